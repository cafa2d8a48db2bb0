"""Interfaces that a call needs. Each is small enough to fake in a test."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from training.transcript import TurnSnapshot


class UpstreamUnavailableError(Exception):
    """Loss or failure of the connection to the model. A retry can help if `retryable`; `code` is safe to log."""

    def __init__(self, retryable: bool, code: str) -> None:
        super().__init__(code)
        self.retryable = retryable
        self.code = code


class RealtimeConnection(Protocol):
    """Connection to the model that voices the caller. Its methods raise UpstreamUnavailableError once it is lost."""

    def send(self, event: bytes) -> Coroutine[Any, Any, None]: ...

    def send_at_once(self, event: bytes) -> bool:
        """Send without waiting. Return False, having sent nothing, if `send` must be used, which waits or raises."""

    async def listen(self, on_message: Callable[[bytes], None]) -> None:
        """Pass each event to `on_message` until the connection is lost. `on_message` must not raise."""

    async def close(self) -> None: ...


class Connector(Protocol):
    """Function that opens a new connection, or raises UpstreamUnavailableError."""

    def __call__(self) -> Awaitable[RealtimeConnection]: ...


class BrowserSocket(Protocol):
    """Socket to the browser."""

    def send_text(self, text: str) -> Coroutine[Any, Any, None]: ...

    def send_bytes(self, data: bytes) -> Coroutine[Any, Any, None]: ...

    def send_bytes_at_once(self, data: bytes) -> bool:
        """Send without waiting. Return False, having sent nothing, if `send_bytes` must be used."""


class TurnSink(Protocol):
    def put(self, turn: TurnSnapshot) -> None:
        """Queue a turn to be saved, without waiting. The writer calls the call's `confirm_saved` afterward."""


class Recorder(Protocol):
    """Recorder of both voices on one clock, in samples since the recording's start. Its methods never wait."""

    def record_microphone(self, pcm: bytes, index: int) -> int:
        """Record microphone audio whose first sample has number `index`. Return that sample's position."""

    def record_caller(self, item: int, index: int, pcm: bytes) -> None:
        """Record caller audio that was sent to the player and may never be heard."""

    def record_playback(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        """Record that `samples` samples of an item had played when the microphone was at `at_mic_sample`."""

    def set_muted(self, on: bool) -> None: ...

    def position(self) -> int:
        """Return the current position of the recording."""


class OffsetRecorder:
    """Recorder that started later than the recording. It adds its start to the wrapped recorder's positions."""

    def __init__(self, recorder: Recorder, start_sample: int) -> None:
        self.recorder = recorder
        self.start_sample = start_sample
        self.record_caller = recorder.record_caller
        self.record_playback = recorder.record_playback
        self.set_muted = recorder.set_muted

    def record_microphone(self, pcm: bytes, index: int) -> int:
        return self.start_sample + self.recorder.record_microphone(pcm, index)

    def position(self) -> int:
        return self.start_sample + self.recorder.position()


class NullRecorder:
    """Recorder for unrecorded calls. It keeps the clock and stores no audio."""

    def __init__(self) -> None:
        self.samples = 0

    def record_microphone(self, pcm: bytes, index: int) -> int:
        start = self.samples
        self.samples += len(pcm) // 2
        return start

    def record_caller(self, item: int, index: int, pcm: bytes) -> None:
        pass

    def record_playback(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        pass

    def set_muted(self, on: bool) -> None:
        pass

    def position(self) -> int:
        return self.samples
