"""What a call needs from the world. Each is small enough to fake in a test."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from voicegateway.briefing import Turn


class VoiceUnavailable(Exception):
    """The caller's voice is not to be had. `retryable` says whether trying again can help; `code` is fit for a log."""

    def __init__(self, retryable: bool, code: str) -> None:
        super().__init__(code)
        self.retryable = retryable
        self.code = code


class Voice(Protocol):
    """One connection to the model that speaks the caller. Raises `VoiceUnavailable` when it is lost."""

    def send(self, event: bytes) -> Coroutine[Any, Any, None]: ...

    async def listen(self, sink: Callable[[bytes], None]) -> None:
        """Hand over each event as it comes, until the connection is lost. The sink must not raise."""

    async def close(self) -> None: ...


class Dial(Protocol):
    """Opens another connection each time. Raises `VoiceUnavailable`."""

    def __call__(self) -> Awaitable[Voice]: ...


class Player(Protocol):
    """The browser's end of the socket."""

    def send_text(self, text: str) -> Coroutine[Any, Any, None]: ...

    def send_bytes(self, data: bytes) -> Coroutine[Any, Any, None]: ...


class TurnSink(Protocol):
    def put(self, turn: Turn) -> None:
        """Take a turn to be saved, without waiting. Whoever saves it tells the call's `saved`."""


class Recorder(Protocol):
    """Both voices on one clock, in samples since the recording began. Nothing here waits."""

    def hear(self, pcm: bytes, index: int) -> int:
        """Keep microphone sound; `index` is its first sample's number. Return where that sample stands."""

    def speak(self, item: int, index: int, pcm: bytes) -> None:
        """Keep the caller's sound, sent to the player but perhaps never heard."""

    def played(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        """Learn how much of an item had been heard when the microphone was at `at_mic_sample`."""

    def mute(self, on: bool) -> None: ...

    def position(self) -> int:
        """Where the recording stands now."""


class Continued:
    """A recorder that began later than the recording did: it keeps its own time and tells the recording's."""

    def __init__(self, recorder: Recorder, begins_at: int) -> None:
        self.recorder = recorder
        self.begins_at = begins_at
        self.speak = recorder.speak
        self.played = recorder.played
        self.mute = recorder.mute

    def hear(self, pcm: bytes, index: int) -> int:
        return self.begins_at + self.recorder.hear(pcm, index)

    def position(self) -> int:
        return self.begins_at + self.recorder.position()


class Unrecorded:
    """A recorder for calls that nobody records: it keeps the time and nothing else."""

    def __init__(self) -> None:
        self.heard = 0

    def hear(self, pcm: bytes, index: int) -> int:
        start = self.heard
        self.heard += len(pcm) // 2
        return start

    def speak(self, item: int, index: int, pcm: bytes) -> None:
        pass

    def played(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        pass

    def mute(self, on: bool) -> None:
        pass

    def position(self) -> int:
        return self.heard
