from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.integrations import openapi  # noqa: F401, PLC0415  (registers the OpenAPI extension)
