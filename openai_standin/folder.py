"""JSON documents in a folder, one for each object. What cannot be read is absent, and said to be on standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import orjson

from .json_types import JSON

T = TypeVar("T")


class Folder:
    """Never half a document: each is written beside its place and moved there. One process at a time may use it."""

    def __init__(self, root: Path) -> None:
        """Raises OSError when the folder is not there and cannot be made."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def save(self, kind: str, name: str, document: JSON) -> None:
        path = self._path(kind, name)
        unfinished = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not synced to the disk: that would halt the voices of all calls, to survive a power cut only.
            unfinished.write_bytes(orjson.dumps(document))
            os.replace(unfinished, path)
        except OSError as error:
            complain(f"cannot save {path}: {error}")

    def remove(self, kind: str, name: str) -> None:
        path = self._path(kind, name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            complain(f"cannot remove {path}: {error}")

    def load(self, kind: str, read: Callable[[JSON], T]) -> Iterator[T]:
        """What `read` makes of each document, the longest unchanged first."""
        for path in sorted((self.root / kind).glob("*.json"), key=lambda path: path.lstat().st_mtime_ns):
            try:
                document = orjson.loads(path.read_bytes())
                if document["id"] != path.stem:
                    raise ValueError("it holds another object")
                yield read(document)
            except (OSError, ValueError, TypeError, LookupError) as error:
                complain(f"cannot read {path}, goes on without it: {error!r}")

    def _path(self, kind: str, name: str) -> Path:
        return self.root / kind / f"{name}.json"


def complain(what: str) -> None:
    print(f"openai_standin {what}", file=sys.stderr, flush=True)
