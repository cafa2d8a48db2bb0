"""State of one stand-in process. With a folder, files and vector stores survive a restart."""

import time
from dataclasses import dataclass, field
from uuid import uuid4

from ..faults import Faults
from ..http.json_types import JSON
from ..request_log import RequestLog
from ..settings import Settings
from .json_folder import JsonFolder


def new_id(prefix: str) -> str:
    """Return an id in OpenAI's format. Item ids may have at most 32 characters."""
    return f"{prefix}{uuid4().hex[: 32 - len(prefix)]}"


def unix_time() -> int:
    return int(time.time())


@dataclass
class StoredFile:
    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int = field(default_factory=unix_time)
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
class VectorStoreFile:
    """File in a vector store, with the chunks that searches use."""

    id: str
    store_id: str
    filename: str
    attributes: JSON
    chunking: JSON
    created_at: int = field(default_factory=unix_time)
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
    created_at: int = field(default_factory=unix_time)
    files: dict[str, VectorStoreFile] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class StandinState:
    settings: Settings = field(default_factory=Settings)
    folder: JsonFolder | None = None
    files: dict[str, StoredFile] = field(default_factory=dict)
    vector_stores: dict[str, VectorStore] = field(default_factory=dict)
    responses: dict[str, JSON] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    request_log: RequestLog = field(default_factory=RequestLog)
