from django.apps import AppConfig


class VoiceGatewayConfig(AppConfig):
    name = "voicegateway"

    def ready(self) -> None:
        from voicegateway import receivers  # noqa: F401, PLC0415  (receivers need the models loaded)
