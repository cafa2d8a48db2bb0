from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from training import receivers  # noqa: F401, PLC0415  (receivers need the models loaded)
