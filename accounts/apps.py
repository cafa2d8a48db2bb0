from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts.integrations import openapi  # noqa: F401, PLC0415  (registers the OpenAPI extension)
        from accounts.services import credentials  # noqa: F401, PLC0415  (connects its signal receiver)
        from accounts.services.database_connections import forget_pools_in_forks  # noqa: PLC0415  (needs settings)

        forget_pools_in_forks()
