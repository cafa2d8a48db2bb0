"""Ownership of the object store by a test's database, as after `adopt_store`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

from accounts.models import Installation
from accounts.services.ownership import MARKER_KEY, Marker

TOKEN = "token-of-tests"


def own_store() -> None:
    """Make this test's database the owner of its object store. The store may be replaced later, by a marked one."""
    now = timezone.now()
    fields = {"name": settings.INSTALLATION_ID, "counter": 1, "token": TOKEN, "adopted_files": []}
    Installation.objects.update_or_create(pk=1, defaults=fields | {"adopted_at": now, "advanced_at": now})
    mark_store(storages["default"])


def mark_store(storage: Any) -> None:
    """Write the marker that belongs to `own_store`."""
    content = Marker(settings.INSTALLATION_ID, 1, TOKEN).to_bytes()
    if isinstance(storage, FileSystemStorage):
        # Without the syncs of `put`, because nearly every test does this.
        path = Path(storage.path(MARKER_KEY))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    else:
        storage.put(MARKER_KEY, content)
