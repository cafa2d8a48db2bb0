"""Recording of a call in progress."""

from dataclasses import dataclass

from recordings.audio.spool import SpoolWriter
from recordings.audio.spool_uploader import SpoolUploader


@dataclass(frozen=True, eq=False)
class LiveRecording:
    """Recording of a call in progress: its spool on this host's disk, and the upload to the object store."""

    spool: SpoolWriter
    uploader: SpoolUploader

    def upload(self) -> None:
        """Upload the part of the spool that is safe on disk. Call this from one thread at a time.

        Raise StoreUnavailableError or OSError on failure. Even then, no audio is lost.
        """
        # The store must never have more than the disk has after a power cut.
        self.spool.sync()
        self.uploader.upload(self.spool.safe_sizes)
