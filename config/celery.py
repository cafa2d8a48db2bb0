import os
from functools import cached_property
from typing import Self

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup  # type: ignore[attr-defined]  # not in the stubs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class PooledWorkerFixup(DjangoWorkerFixup):
    """Celery's handling of database connections, without closing the pool of a process before and after each task.

    Every task would open a new pool with a new connection, which costs more than a short task. A forked process has
    already forgotten its parent's pool: see `forget_pools_in_forks`.
    """

    def _is_prefork(self) -> bool:
        return False  # Celery closes the pools of these workers only


class PooledFixup(DjangoFixup):
    """Celery's support for Django, with `PooledWorkerFixup` in workers."""

    @cached_property
    def worker_fixup(self) -> PooledWorkerFixup:  # created late, because it reads the app's settings
        return PooledWorkerFixup(self.app)

    @classmethod
    def install_in(cls, app: Celery) -> Self:
        """Install the fixup in an app, and return it: the app keeps it alive."""
        fixup = cls(app)
        fixup.install()
        return fixup


def build_app(set_as_current: bool = False) -> Celery:
    """Build an app with the product's settings and tasks."""
    install_fixup = PooledFixup.install_in
    built = Celery("steadyline", set_as_current=set_as_current, fixups=[install_fixup])  # type: ignore[list-item]
    built.config_from_object("django.conf:settings", namespace="CELERY")
    built.autodiscover_tasks()
    return built


app = build_app(set_as_current=True)
