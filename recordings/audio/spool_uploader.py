"""Upload of a growing spool to the object store, so that losing its host costs only seconds of audio."""

from pathlib import Path

from recordings.audio.segments import Extent, UploadedSegments, build_segment, journal_key
from recordings.audio.spool_sources import SpoolFolder
from recordings.object_store import ObjectStore

MAX_BYTES_PER_FILE = 512 * 1024  # limit per file and segment, so that uploads after a long outage stay small


class SpoolUploader:
    """Uploader of one epoch's spool. It continues from the contents of the store, so several may run at once."""

    def __init__(self, folder: Path, store: ObjectStore, prefix: str, is_new: bool = False) -> None:
        spool = SpoolFolder(folder)
        self._files = (spool.journal, spool.microphone, spool.caller)
        self._store = store
        self._prefix = prefix
        self._uploaded: tuple[int, ...] | None = (0, 0, 0) if is_new else None

    def upload(self, sizes: tuple[int, ...] | None = None) -> None:
        """Upload the spool up to `sizes` (of the journal, microphone, and caller files), by default all of it.

        After StoreUnavailableError, nothing is lost, and the next call continues.
        """
        if self._uploaded is None:
            self._uploaded = UploadedSegments(self._store, self._prefix).sizes()
        # Measure the journal first: all audio that it refers to is then already in the other files.
        sizes = sizes or tuple(file.size for file in self._files)
        while any(uploaded_bytes < size for uploaded_bytes, size in zip(self._uploaded, sizes, strict=True)):
            self._uploaded = self._upload_segment(self._uploaded, sizes)

    def seal(self) -> tuple[int, ...]:
        """Upload the rest of a completely written spool, and its whole journal. Return the sizes of the three files."""
        self.upload()
        assert self._uploaded is not None
        journal = self._files[0]
        if journal.size:
            self._store.put(journal_key(self._prefix, journal.size), journal.read(0, journal.size))
        return self._uploaded

    def _upload_segment(self, uploaded: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
        extents = [
            Extent(uploaded_bytes, min(max(uploaded_bytes, size), uploaded_bytes + MAX_BYTES_PER_FILE))
            for uploaded_bytes, size in zip(uploaded, sizes, strict=True)
        ]
        parts = [file.read(*(extent.start, extent.length)) for file, extent in zip(self._files, extents, strict=True)]
        segment = build_segment(self._prefix, extents)
        self._store.put(segment.key, b"".join(parts))
        return tuple(extent.end for extent in extents)
