import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def build_app(set_as_current: bool = False) -> Celery:
    """Build an app with the product's settings and tasks."""
    built = Celery("steadyline", set_as_current=set_as_current)
    built.config_from_object("django.conf:settings", namespace="CELERY")
    built.autodiscover_tasks()
    return built


app = build_app(set_as_current=True)
