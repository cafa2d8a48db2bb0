"""Speed settings of the stand-in, which the command line can change."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    index_lag: float = 0.1
    """Seconds until a file attached to a vector store is searchable."""
    delta_pause: float = 0.01
    """Seconds between two text deltas."""
    answer_delay: float = 0.15
    """Seconds before a spoken answer begins."""
    audio_speed: float = 8.0
    """Seconds of the caller's audio sent per second."""
    transcript_delay: float = 1.5
    """Longest delay of a spoken turn's transcript, in seconds."""
    session_seconds: float = 3600.0  # seconds
    """A realtime session's hard limit."""
