"""Splitting of received bytes into frames, compared with the library's own protocol, and building of frames."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from voicegateway.frames import BINARY_HEAD, TEXT_HEAD, FrameSplitter, MaskedFrameBuilder, build_frame

HANDSHAKE = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
SIZES = st.sampled_from([0, 1, 125, 126, 127, 968, 65535, 65536, 70_000])


class SplitConnection:
    """Splitter in front of the library's protocol. `messages` holds what both delivered, in order."""

    def __init__(self, is_masked: bool = True, takes: bool = True) -> None:
        self.protocol = Protocol(Side.SERVER if is_masked else Side.CLIENT, state=State.OPEN)
        self.messages: list[tuple[Opcode, bytes, bool]] = []
        self.taken = 0
        self.takes = takes
        self.handshake = b""
        head = BINARY_HEAD if is_masked else TEXT_HEAD
        self.splitter = FrameSplitter(head, is_masked, self.deliver, self.pass_on, lambda: True)

    def deliver(self, payload: bytes) -> bool:
        if self.takes:
            self.taken += 1
            opcode = Opcode.BINARY if self.protocol.side is Side.SERVER else Opcode.TEXT
            self.messages.append((opcode, payload, True))
        return self.takes

    def pass_on(self, data: bytes) -> None:
        if not self.handshake.endswith(b"\r\n\r\n"):
            self.handshake += data
            return
        self.protocol.receive_data(data)
        self.messages += frames_of(self.protocol)


def frames_of(protocol: Protocol) -> list[tuple[Opcode, bytes, bool]]:
    return [(e.opcode, bytes(e.data), e.fin) for e in protocol.events_received() if isinstance(e, Frame)]


def received_by_library(data: bytes, side: Side) -> list[tuple[Opcode, bytes, bool]]:
    protocol = Protocol(side, state=State.OPEN)
    protocol.receive_data(data)
    return frames_of(protocol)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def message_frames(kind: Opcode, size: int, parts: int) -> list[Frame]:
    payload = os.urandom(size) if kind is Opcode.BINARY else b"t" * size
    if kind in (Opcode.PING, Opcode.PONG):
        return [Frame(kind, payload[:125])]
    edges = [size * part // parts for part in range(parts + 1)]
    return [
        Frame(kind if part == 0 else Opcode.CONT, payload[edges[part] : edges[part + 1]], fin=part == parts - 1)
        for part in range(parts)
    ]


KINDS = st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.PONG])
MESSAGES = st.lists(st.tuples(KINDS, SIZES, st.sampled_from([1, 1, 1, 3])), max_size=8)


@given(MESSAGES, st.lists(st.integers(0, 10**6), max_size=12), st.booleans())
def test_splitter_delivers_what_the_library_would(messages, cuts, is_masked):
    frames = [frame for message in messages for frame in message_frames(*message)]
    data = b"".join(frame.serialize(mask=is_masked) for frame in frames)
    connection = SplitConnection(is_masked)

    for piece in in_pieces(HANDSHAKE + data, cuts):
        connection.splitter.receive(piece)

    assert connection.handshake == HANDSHAKE
    assert connection.messages == received_by_library(data, connection.protocol.side)


def test_splitter_takes_whole_messages_of_its_kind():
    frames = [Frame(Opcode.BINARY, b"a" * 968), Frame(Opcode.TEXT, b"b"), Frame(Opcode.BINARY, b"")]
    connection = SplitConnection()

    connection.splitter.receive(HANDSHAKE + b"".join(frame.serialize(mask=True) for frame in frames))

    assert connection.taken == 2
    assert [payload for _, payload, _ in connection.messages] == [b"a" * 968, b"b", b""]


def test_refused_message_takes_the_usual_path():
    connection = SplitConnection(takes=False)

    connection.splitter.receive(HANDSHAKE + Frame(Opcode.BINARY, b"early").serialize(mask=True))

    assert (connection.taken, connection.messages) == (0, [(Opcode.BINARY, b"early", True)])


def test_unmasked_message_from_a_client_is_the_librarys_to_refuse():
    connection = SplitConnection()

    connection.splitter.receive(HANDSHAKE + Frame(Opcode.BINARY, b"bare").serialize(mask=False))

    assert (connection.taken, connection.messages) == (0, [])
    assert connection.protocol.close_sent is not None and connection.protocol.close_sent.code == 1002


def test_everything_after_a_failed_handshake_is_passed_on():
    passed: list[bytes] = []
    splitter = FrameSplitter(BINARY_HEAD, True, lambda payload: True, passed.append, lambda: False)
    frame = Frame(Opcode.BINARY, b"x").serialize(mask=True)

    splitter.receive(HANDSHAKE + frame)
    splitter.receive(frame)

    assert passed == [HANDSHAKE, frame, frame]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_built_frames_are_read_by_the_library(size):
    payload = os.urandom(size)
    masked = MaskedFrameBuilder()

    from_server = received_by_library(build_frame(BINARY_HEAD, payload), Side.CLIENT)
    from_client = received_by_library(b"".join(masked.build(BINARY_HEAD, payload) for _ in range(2)), Side.SERVER)

    assert from_server == [(Opcode.BINARY, payload, True)]
    assert from_client == 2 * [(Opcode.BINARY, payload, True)]


def test_masks_are_not_repeated():
    builder = MaskedFrameBuilder()

    masks = [builder.build(TEXT_HEAD, b"")[2:6] for _ in range(3000)]

    assert len(set(masks)) > 2990
