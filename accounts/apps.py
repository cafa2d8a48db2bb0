from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import integration_admin, schema  # noqa: F401, PLC0415  (they register themselves)
