"""Deletion of checked packs whose import was never started."""

from datetime import timedelta

from django.utils import timezone

from accounts.services.ownership import may_delete
from scenarios.models import ImportJob, ImportJobQuerySet

UNSTARTED_RETENTION = timedelta(days=1)  # age at which a checked but unstarted pack is deleted


def discard_unstarted(jobs: ImportJobQuerySet) -> bool:
    """Delete the jobs that have not started. Return False if there are none.

    Jobs are marked first, because one may start between the query and the deletion.
    """
    jobs.not_started().update(status=ImportJob.Status.FORGOTTEN)
    return bool(jobs.filter(status=ImportJob.Status.FORGOTTEN).delete()[0])


def delete_old_unstarted_imports() -> None:
    """Delete the packs that have not been started within `UNSTARTED_RETENTION`."""
    old = ImportJob.objects.filter(created_at__lt=timezone.now() - UNSTARTED_RETENTION)
    has_any = (old.not_started() | old.filter(status=ImportJob.Status.FORGOTTEN)).exists()
    if has_any and may_delete("unstarted imports"):
        discard_unstarted(old)
