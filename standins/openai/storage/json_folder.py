"""JSON documents in a folder, one per object. An unreadable document is skipped with a message on standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import orjson

from ..http.json_types import JSON

T = TypeVar("T")


class JsonFolder:
    """Folder of JSON documents for one process at a time.

    Each document is written to a temporary file and moved into place, so it is never incomplete.
    """

    def __init__(self, root: Path) -> None:
        """Create the folder if needed. Raise OSError if that fails."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def save(self, kind: str, name: str, document: JSON) -> None:
        path = self._path(kind, name)
        unfinished = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # No fsync: it would stall the audio of all calls, only to survive a power cut.
            unfinished.write_bytes(orjson.dumps(document))
            os.replace(unfinished, path)
        except OSError as error:
            warn_on_stderr(f"could not save {path}: {error}")

    def remove(self, kind: str, name: str) -> None:
        path = self._path(kind, name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            warn_on_stderr(f"could not remove {path}: {error}")

    def load(self, kind: str, read: Callable[[JSON], T]) -> Iterator[T]:
        """Yield the result of `read` for each document, least recently changed first."""
        for path in sorted((self.root / kind).glob("*.json"), key=lambda path: path.lstat().st_mtime_ns):
            try:
                document = orjson.loads(path.read_bytes())
                if document["id"] != path.stem:
                    raise ValueError("the id in the document differs from the file name")
                yield read(document)
            except (OSError, ValueError, TypeError, LookupError) as error:
                warn_on_stderr(f"could not read {path} and skipped it: {error!r}")

    def _path(self, kind: str, name: str) -> Path:
        return self.root / kind / f"{name}.json"


def warn_on_stderr(message: str) -> None:
    print(f"standins.openai: {message}", file=sys.stderr, flush=True)
