import os

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class PooledWorkerFixup(DjangoWorkerFixup):
    """Celery's care for database connections, without closing the pool of a process before and after each task.

    Every task would open a new pool with a new connection, which costs more than a short task. A forked process has
    already forgotten its parent's pool: see `forget_pools_in_forks`.
    """

    def _is_prefork(self) -> bool:
        return False  # Celery closes the pools of these workers only


class PooledFixup(DjangoFixup):
    """Celery's support for Django, with `PooledWorkerFixup` in workers."""

    @property
    def worker_fixup(self) -> DjangoWorkerFixup:
        if self._worker_fixup is None:  # created late, because it reads the app's settings
            self._worker_fixup = PooledWorkerFixup(self.app)
        return self._worker_fixup


def build_app(set_as_current: bool = False) -> Celery:
    """Build an app with the product's settings and tasks."""
    built = Celery("steadyline", set_as_current=set_as_current, fixups=[lambda app: PooledFixup(app).install()])
    built.config_from_object("django.conf:settings", namespace="CELERY")
    built.autodiscover_tasks()
    return built


app = build_app(set_as_current=True)
