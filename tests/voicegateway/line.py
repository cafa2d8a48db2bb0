"""A scripted counselor: a socket, a microphone and a loudspeaker on one clock, as a browser has them."""

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
from tests.people import add_person
from tests.voicegateway.gateway_process import ORIGIN, PATIENCE, GatewayProcess
from training.models import Session
from training.services.sessions import start_free_practice
from training.services.tickets import issue_ticket
from voicegateway.wire import AUDIO, HEADER, RATE, SUBPROTOCOL

FRAME = RATE // 50
REPORT_EVERY = 10  # frames
Samples = NDArray[np.int16]


def tone(seconds: float, hertz: int = 440) -> bytes:
    return (np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE) * 12_000).astype("<i2").tobytes()


def dial(
    gateway: GatewayProcess,
    session_id: object,
    ticket: str | None,
    query: str = "record=true",
    origin: str | None = ORIGIN,
    path: str = "/ws/calls/{}/",
) -> ClientConnection:
    """A socket to a call. Raises InvalidStatus when it is refused."""
    offered = [SUBPROTOCOL, *([f"ticket.{ticket}"] if ticket is not None else [])]
    address = f"{gateway.url}{path.format(session_id)}?{query}"
    return connect(
        address,
        origin=origin,  # type: ignore[arg-type]  # a plain text is an origin
        subprotocols=offered,  # type: ignore[arg-type]
        compression=None,
        max_size=None,
        proxy=None,
        open_timeout=PATIENCE,
        close_timeout=5,
    )


def reason_of(refused: InvalidStatus) -> str:
    reason: str = json.loads(refused.response.body)["reason"]
    return reason


def begin_calls(organization: Organization, number: int) -> list[Session]:
    """Of as many counselors."""
    people = [add_person(organization, "counselor", f"c{index}@example.org") for index in range(number)]
    return [start_free_practice(person, Mode.PHONE)[0] for person in people]


class Line:
    """One socket of a call, from the first hello until it is closed. What it hears and says is kept."""

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
        self.socket = dial(gateway, session.pk, ticket or issue_ticket(session, **issued)[1], query)
        self.messages: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.microphone = bytearray()
        self.loudspeaker = bytearray()
        self._to_say = bytearray()
        self.spans: dict[int, tuple[int, int]] = {}
        self._items: dict[int, bytearray] = {}
        self._lengths: dict[int, int] = {}
        self._rendered: dict[int, int] = {}
        self._is_halted = False
        self._change = threading.Condition()
        self._over = threading.Event()
        self.began, self.began_wall = time.monotonic(), time.time()
        self.send(type="hello", last_revision=last_revision)
        self._threads = [threading.Thread(target=self._read)]
        if microphone:
            self._threads.append(threading.Thread(target=self._tick))
        for thread in self._threads:
            thread.start()

    # What the counselor does

    def speak(self, pcm: bytes) -> int:
        """Say it next; the number of the microphone's sample with which it begins."""
        with self._change:
            index = (len(self.microphone) + len(self._to_say)) // 2
            self._to_say += pcm
            return index

    def say(self, text: str) -> None:
        self.send(type="say", text=text)

    def hang_up(self) -> str:
        """Why the call then ended."""
        self.send(type="hang_up")
        return self.wait_for_end()

    def send(self, **message: object) -> None:
        # As in a browser: what is said to a closed socket is lost, what it had received is not.
        with suppress(ConnectionClosed):
            self.socket.send(json.dumps(message))

    def send_frame(self, pcm: bytes, index: int) -> None:
        self.socket.send(HEADER.pack(AUDIO, 0, 0, index) + pcm)

    def drop(self) -> None:
        """The network is gone, without a goodbye."""
        self._over.set()
        self.socket.socket.shutdown(SHUT_RDWR)

    # What it learns

    def wait(self, is_so: Callable[[], Any], what: str) -> Any:
        with self._change:
            answer = self._change.wait_for(lambda: is_so() or self.closed, PATIENCE) and is_so()
        assert answer, f"Never: {what}. Closed: {self.closed}; heard: {self.messages}"
        return answer

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def wait_for(self, kind: str) -> dict[str, Any]:
        message: dict[str, Any] = self.wait(lambda: self.of(kind), kind)[0]
        return message

    def wait_for_turn(self, role: str, number: int = 1) -> dict[str, Any]:
        """The latest state of the n-th turn of this role, once it is final."""

        def look() -> dict[str, Any] | None:
            fitting = [turn for turn in self.turns if turn["role"] == role and turn["final"]]
            return fitting[number - 1] if len(fitting) >= number else None

        turn: dict[str, Any] = self.wait(look, f"turn {number} of the {role}")
        return turn

    def wait_for_sound(self, seconds: float, item: int = 1) -> None:
        """So much of the caller's words has been heard."""
        self.wait(lambda: self._rendered.get(item, 0) >= seconds * RATE, f"{seconds} s of item {item}")

    def wait_for_end(self) -> str:
        reason: str = self.wait_for("ended")["reason"]
        return reason

    def wait_closed(self) -> int:
        self.wait(lambda: self.closed, "the socket is closed")
        assert self.closed
        return self.closed[0]

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The transcript as a page would show it, in the order in which its turns were first told."""
        latest: dict[str, dict[str, Any]] = {}
        for turn in self.of("turn"):
            latest[turn["item"]] = turn
        return list(latest.values())

    # The machinery

    def _read(self) -> None:
        try:
            for message in self.socket:
                with self._change:
                    if isinstance(message, bytes):
                        self._hear(message)
                    else:
                        self._take(json.loads(message))
                    self._change.notify_all()
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._over.set()
            with self._change:
                self.closed = (self.socket.protocol.close_code or 1006, self.socket.protocol.close_reason or "")
                self._change.notify_all()

    def _hear(self, message: bytes) -> None:
        _, _, item, index = HEADER.unpack_from(message)
        sound = self._items.setdefault(item, bytearray())
        assert index == len(sound) // 2, "the caller's frames come in order"
        sound += message[HEADER.size :]

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        match message:
            case {"type": "item_end", "item": item, "samples": samples}:
                self._lengths[item] = samples
                if self._rendered.get(item) == samples:
                    self._report(item, final=True)
            case {"type": "pause" | "resume" as kind}:
                self._is_halted = kind == "pause"
            case {"type": "flush", "item": item}:
                self._is_halted = False
                self._items = {number: sound for number, sound in self._items.items() if number < item}
                self._report(item, final=True)

    def _tick(self) -> None:
        """Frames as the clock of the sound card gives them; a machine that stalled catches up."""
        while not self._over.wait(0.01):
            try:
                while len(self.microphone) // 2 + FRAME <= (time.monotonic() - self.began) * RATE:
                    self._next_frame()
            except (ConnectionClosed, OSError):
                return

    def _next_frame(self) -> None:
        with self._change:
            spoken = bytes(self._to_say[: 2 * FRAME]).ljust(2 * FRAME, b"\0")
            del self._to_say[: 2 * FRAME]
            index = len(self.microphone) // 2
            self.microphone += spoken
            self.send_frame(spoken, index)
            self._render()
            self._change.notify_all()

    def _render(self) -> None:
        """Play for as long as a frame lasts, and report as a page does."""
        wanted = 2 * FRAME
        for item in sorted(self._items) if not self._is_halted else []:
            done = 2 * self._rendered.get(item, 0)
            part = self._items[item][done : done + wanted]
            if part:
                at = len(self.loudspeaker) // 2
                self.loudspeaker += part
                self.spans[item] = (self.spans.get(item, (at, at))[0], at + len(part) // 2)
                wanted -= len(part)
                self._rendered[item] = (done + len(part)) // 2
                self._report_due(item, wanted)
            if self._rendered.get(item) != self._lengths.get(item):
                break
        self.loudspeaker += bytes(wanted)

    def _report_due(self, item: int, short_by: int) -> None:
        is_last = self._rendered[item] == self._lengths.get(item)
        if is_last or len(self.microphone) // (2 * FRAME) % REPORT_EVERY == 0:
            self._report(item, final=is_last, before=short_by // 2)

    def _report(self, item: int, final: bool, before: int = 0) -> None:
        at = len(self.microphone) // 2 - before
        self.send(type="played", item=item, samples=self._rendered.get(item, 0), at_mic_sample=at, final=final)

    def close(self) -> None:
        self._over.set()
        self.socket.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
