from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # Imported here, because they need the models or the settings.
        from accounts.integrations import openapi  # noqa: F401, PLC0415
        from accounts.services import credentials  # noqa: F401, PLC0415
        from accounts.services.database_connections import forget_pools_in_forks  # noqa: PLC0415

        forget_pools_in_forks()
