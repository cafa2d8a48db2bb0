from django.conf import settings
from django.http import HttpRequest


def demo_notice(request: HttpRequest) -> dict[str, str]:
    return {"demo_notice": settings.DEMO_NOTICE}
