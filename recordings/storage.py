"""Access to the object store that settings choose."""

from typing import cast

from django.core.files.storage import storages

from recordings.object_store import ObjectStore


def object_store() -> ObjectStore:
    """Return the default storage, which is one of the two kinds in `config.storage`."""
    return cast(ObjectStore, storages["default"])
