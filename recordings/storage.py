"""Access to the configured object store."""

from typing import cast

from django.core.files.storage import storages

from recordings.object_store import ObjectStore


def object_store() -> ObjectStore:
    """Return the default storage, an instance of one of the two classes in `config.storage`."""
    return cast(ObjectStore, storages["default"])
