"""Everything one stand-in process remembers. What is in its folder, if it has one, outlives the process."""

import time
from dataclasses import dataclass, field
from uuid import uuid4

from .faults import Faults
from .folder import Folder
from .json_types import JSON
from .ledger import Ledger
from .settings import Settings


def new_id(prefix: str) -> str:
    """An id in OpenAI's shape; item ids may not be longer than 32 characters."""
    return f"{prefix}{uuid4().hex[: 32 - len(prefix)]}"


def now() -> int:
    return int(time.time())


@dataclass
class StoredFile:
    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int = field(default_factory=now)
    expires_at: int | None = None

    def as_json(self) -> JSON:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


@dataclass
class AttachedFile:
    """A file in a vector store, with the chunks that searches look through."""

    id: str
    store_id: str
    filename: str
    attributes: JSON
    chunking: JSON
    created_at: int = field(default_factory=now)
    status: str = "in_progress"
    last_error: JSON | None = None
    chunks: list[str] = field(default_factory=list)
    chunk_words: list[set[str]] = field(default_factory=list)

    @property
    def usage_bytes(self) -> int:
        return sum(len(chunk.encode()) for chunk in self.chunks)

    def as_json(self) -> JSON:
        return {
            "id": self.id,
            "object": "vector_store.file",
            "created_at": self.created_at,
            "vector_store_id": self.store_id,
            "status": self.status,
            "last_error": self.last_error,
            "usage_bytes": self.usage_bytes,
            "attributes": self.attributes,
            "chunking_strategy": self.chunking,
        }


@dataclass
class VectorStore:
    id: str
    name: str
    metadata: JSON
    expires_after: JSON | None
    created_at: int = field(default_factory=now)
    files: dict[str, AttachedFile] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class State:
    settings: Settings = field(default_factory=Settings)
    folder: Folder | None = None
    files: dict[str, StoredFile] = field(default_factory=dict)
    vector_stores: dict[str, VectorStore] = field(default_factory=dict)
    responses: dict[str, JSON] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    ledger: Ledger = field(default_factory=Ledger)
