"""A scripted counselor: a socket, a microphone, and a loudspeaker on one clock, as in a browser."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from accounts.models import Organization
from scenarios.models import Mode
from tests.support.fixtures import add_person
from tests.voicegateway.gateway_process import ORIGIN, TIMEOUT, GatewayProcess
from training.models import Session
from training.services.call_tickets import issue_ticket
from training.services.session_start import start_free_practice
from voicegateway.browser.protocol import AUDIO_KIND, FRAME_HEADER, SAMPLE_RATE, SUBPROTOCOL

FRAME_SAMPLES = SAMPLE_RATE // 50
REPORT_EVERY = 10  # frames
SampleArray = NDArray[np.int16]


def tone(seconds: float, hertz: int = 440) -> bytes:
    clock = np.arange(round(SAMPLE_RATE * seconds)) / SAMPLE_RATE
    return (np.sin(2 * np.pi * hertz * clock) * 12_000).astype("<i2").tobytes()


def open_socket(
    gateway: GatewayProcess,
    session_id: object,
    ticket: str | None,
    query: str = "record=true",
    origin: str | None = ORIGIN,
    path: str = "/ws/calls/{}/",
) -> ClientConnection:
    """Open a socket to a call. Raise InvalidStatus if the gateway refuses it."""
    offered = [SUBPROTOCOL, *([f"ticket.{ticket}"] if ticket is not None else [])]
    address = f"{gateway.url}{path.format(session_id)}?{query}"
    return connect(
        address,
        origin=origin,  # type: ignore[arg-type]  # a plain string is a valid origin
        subprotocols=offered,  # type: ignore[arg-type]
        compression=None,
        max_size=None,
        proxy=None,
        open_timeout=TIMEOUT,
        close_timeout=5,
    )


def refusal_reason(refused: InvalidStatus) -> str:
    reason: str = json.loads(refused.response.body)["reason"]
    return reason


def start_calls(organization: Organization, number: int) -> list[Session]:
    """Start `number` phone sessions, each with its own counselor."""
    people = [add_person(organization, "counselor", f"c{index}@example.org") for index in range(number)]
    return [start_free_practice(person, Mode.PHONE)[0] for person in people]


class ScriptedCounselor:
    """One socket of a call, from the first hello until it closes. Keeps all audio and messages in memory."""

    def __init__(
        self,
        gateway: GatewayProcess,
        session: Session,
        query: str = "record=true",
        last_revision: int = 0,
        microphone: bool = True,
        ticket: str | None = None,
        **issued: Any,
    ) -> None:
        self.socket = open_socket(gateway, session.pk, ticket or issue_ticket(session, **issued)[1], query)
        self.messages: list[dict[str, Any]] = []
        self.close_status: tuple[int, str] | None = None
        self.microphone = bytearray()
        self.loudspeaker = bytearray()
        self._queued_speech = bytearray()
        self.playback_spans: dict[int, tuple[int, int]] = {}
        self._items: dict[int, bytearray] = {}
        self._lengths: dict[int, int] = {}
        self._rendered: dict[int, int] = {}
        self._is_paused = False
        self._change = threading.Condition()
        self._stop = threading.Event()
        self.started_at, self.started_at_wall = time.monotonic(), time.time()
        self.send(type="hello", last_revision=last_revision)
        self._threads = [threading.Thread(target=self._read)]
        if microphone:
            self._threads.append(threading.Thread(target=self._run_microphone))
        for thread in self._threads:
            thread.start()

    # Actions

    def speak(self, pcm: bytes) -> int:
        """Queue the audio as the next speech and return the microphone sample at which it begins."""
        with self._change:
            index = (len(self.microphone) + len(self._queued_speech)) // 2
            self._queued_speech += pcm
            return index

    def say(self, text: str) -> None:
        self.send(type="say", text=text)

    def hang_up(self) -> str:
        """Hang up, wait for the end of the call, and return its reason."""
        self.send(type="hang_up")
        return self.wait_for_end()

    def send(self, **message: object) -> None:
        # As in a browser, a message to a closed socket is lost, but messages already received are not.
        with suppress(ConnectionClosed):
            self.socket.send(json.dumps(message))

    def send_frame(self, pcm: bytes, index: int) -> None:
        self.socket.send(FRAME_HEADER.pack(AUDIO_KIND, 0, 0, index) + pcm)

    def drop_connection(self) -> None:
        """Cut the network connection without a close frame."""
        self._stop.set()
        self.socket.socket.shutdown(SHUT_RDWR)

    # Observations

    def wait(self, condition: Callable[[], Any], description: str) -> Any:
        with self._change:
            answer = self._change.wait_for(lambda: condition() or self.close_status, TIMEOUT) and condition()
        assert answer, f"Timed out waiting for: {description}. Closed: {self.close_status}; messages: {self.messages}"
        return answer

    def messages_of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def wait_for(self, kind: str) -> dict[str, Any]:
        message: dict[str, Any] = self.wait(lambda: self.messages_of_type(kind), kind)[0]
        return message

    def wait_for_turn(self, role: str, number: int = 1) -> dict[str, Any]:
        """Wait until the n-th turn of this role is final and return its latest state."""

        def find_turn() -> dict[str, Any] | None:
            fitting = [turn for turn in self.turns if turn["role"] == role and turn["final"]]
            return fitting[number - 1] if len(fitting) >= number else None

        turn: dict[str, Any] = self.wait(find_turn, f"turn {number} of the {role}")
        return turn

    def wait_for_sound(self, seconds: float, item: int = 1) -> None:
        """Wait until this many seconds of the caller's item have played."""
        self.wait(lambda: self._rendered.get(item, 0) >= seconds * SAMPLE_RATE, f"{seconds} s of item {item}")

    def wait_for_end(self) -> str:
        reason: str = self.wait_for("ended")["reason"]
        return reason

    def wait_closed(self) -> int:
        self.wait(lambda: self.close_status, "the socket is closed")
        assert self.close_status
        return self.close_status[0]

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The transcript as a page would show it, in the order in which its turns first arrived."""
        latest: dict[str, dict[str, Any]] = {}
        for turn in self.messages_of_type("turn"):
            latest[turn["item"]] = turn
        return list(latest.values())

    # Threads and audio

    def _read(self) -> None:
        try:
            for message in self.socket:
                with self._change:
                    if isinstance(message, bytes):
                        self._receive_audio(message)
                    else:
                        self._receive_message(json.loads(message))
                    self._change.notify_all()
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._stop.set()
            with self._change:
                self.close_status = (self.socket.protocol.close_code or 1006, self.socket.protocol.close_reason or "")
                self._change.notify_all()

    def _receive_audio(self, message: bytes) -> None:
        _, _, item, index = FRAME_HEADER.unpack_from(message)
        sound = self._items.setdefault(item, bytearray())
        assert index == len(sound) // 2, "a caller frame is missing or out of order"
        sound += message[FRAME_HEADER.size :]

    def _receive_message(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        match message:
            case {"type": "item_end", "item": item, "samples": samples}:
                self._lengths[item] = samples
                if self._rendered.get(item) == samples:
                    self._report(item, final=True)
            case {"type": "pause" | "resume" as kind}:
                self._is_paused = kind == "pause"
            case {"type": "flush", "item": item}:
                self._is_paused = False
                self._items = {number: sound for number, sound in self._items.items() if number < item}
                self._report(item, final=True)

    def _run_microphone(self) -> None:
        """Send frames at the pace of a sound card, and catch up after the machine has stalled."""
        while not self._stop.wait(0.01):
            try:
                while len(self.microphone) // 2 + FRAME_SAMPLES <= (time.monotonic() - self.started_at) * SAMPLE_RATE:
                    self._next_frame()
            except (ConnectionClosed, OSError):
                return

    def _next_frame(self) -> None:
        with self._change:
            spoken = bytes(self._queued_speech[: 2 * FRAME_SAMPLES]).ljust(2 * FRAME_SAMPLES, b"\0")
            del self._queued_speech[: 2 * FRAME_SAMPLES]
            index = len(self.microphone) // 2
            self.microphone += spoken
            self.send_frame(spoken, index)
            self._play_frame()
            self._change.notify_all()

    def _play_frame(self) -> None:
        """Play audio for the length of one frame, and report playback as a page does."""
        wanted = 2 * FRAME_SAMPLES
        for item in sorted(self._items) if not self._is_paused else []:
            done = 2 * self._rendered.get(item, 0)
            part = self._items[item][done : done + wanted]
            if part:
                at = len(self.loudspeaker) // 2
                self.loudspeaker += part
                self.playback_spans[item] = (self.playback_spans.get(item, (at, at))[0], at + len(part) // 2)
                wanted -= len(part)
                self._rendered[item] = (done + len(part)) // 2
                self._report_due(item, wanted)
            if self._rendered.get(item) != self._lengths.get(item):
                break
        self.loudspeaker += bytes(wanted)

    def _report_due(self, item: int, short_by: int) -> None:
        is_last = self._rendered[item] == self._lengths.get(item)
        if is_last or len(self.microphone) // (2 * FRAME_SAMPLES) % REPORT_EVERY == 0:
            self._report(item, final=is_last, before=short_by // 2)

    def _report(self, item: int, final: bool, before: int = 0) -> None:
        at = len(self.microphone) // 2 - before
        self.send(type="played", item=item, samples=self._rendered.get(item, 0), at_mic_sample=at, final=final)

    def close(self) -> None:
        self._stop.set()
        self.socket.close()
        for thread in self._threads:
            thread.join(TIMEOUT)

    def __enter__(self) -> "ScriptedCounselor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
