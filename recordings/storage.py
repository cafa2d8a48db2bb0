from typing import cast

from django.core.files.storage import storages

from recordings.objects import ObjectStore


def object_store() -> ObjectStore:
    """The default storage, of which `config.storage` knows two kinds."""
    return cast(ObjectStore, storages["default"])
