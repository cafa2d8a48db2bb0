from django.apps import AppConfig


class ScenariosConfig(AppConfig):
    name = "scenarios"

    def ready(self) -> None:
        from scenarios import receivers  # noqa: F401, PLC0415  (receivers need the models loaded)
