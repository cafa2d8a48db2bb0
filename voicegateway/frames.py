"""Whole WebSocket frames, split and built by hand.

The library's parser is a chain of generators. For an audio frame, it costs more than all other work on the frame.
"""

import os
import struct
from collections.abc import Callable

from websockets.frames import apply_mask

TEXT_HEAD, BINARY_HEAD = 0x81, 0x82  # first byte of a whole text or binary message: final, no extension
HANDSHAKE_END = b"\r\n\r\n"
MASK_BIT, LENGTH_BITS, SHORT_LENGTH, LONG_LENGTH = 0x80, 0x7F, 126, 127
MASKS_AT_ONCE = 4096  # bytes of masks drawn with one system call

_TWO_BYTES, _EIGHT_BYTES = struct.Struct("!BBH"), struct.Struct("!BBQ")


class FrameSplitter:
    """Splitter of received bytes. It delivers whole messages of one kind and passes everything else on, in order.

    `deliver` gets the payload of a message whose frame begins with `head`, and returns False to have it passed on.
    `pass_on` gets raw bytes for the library: the handshake, control frames, fragments, large frames, and any violation
    of the protocol. Both run within `receive` and must not raise. If `is_open` returns False after the handshake,
    everything is passed on.
    """

    def __init__(
        self,
        head: int,
        is_masked: bool,
        deliver: Callable[[bytes], bool],
        pass_on: Callable[[bytes], None],
        is_open: Callable[[], bool],
    ) -> None:
        self._head = head
        self._mask_bit = MASK_BIT if is_masked else 0
        self._deliver = deliver
        self._pass_on = pass_on
        self._is_open = is_open
        self._has_handshake = False
        self._is_bypassed = False
        self._is_fragmented = False
        self._rest = b""
        self._passing = 0  # bytes of a large frame that are still to be passed on

    def receive(self, data: bytes) -> None:
        if self._has_handshake and not self._is_bypassed:
            self._split(data)
        elif self._is_bypassed:
            self._pass_on(data)
        else:
            self._finish_handshake(data)

    def _finish_handshake(self, data: bytes) -> None:
        """Pass the handshake on. Frames may follow its last line in the same packet."""
        tail = self._rest
        end = (tail + data).find(HANDSHAKE_END)
        if end < 0:
            self._rest = (tail + data)[-len(HANDSHAKE_END) + 1 :]
            self._pass_on(data)
            return
        length = end + len(HANDSHAKE_END) - len(tail)
        self._rest, self._has_handshake = b"", True
        self._pass_on(data[:length])
        self._is_bypassed = not self._is_open()
        if data[length:]:
            self.receive(data[length:])

    def _split(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        if self._passing:
            at = min(self._passing, size)
            self._passing -= at
            self._pass_on(data[:at])
        while size - at >= 2:
            head, second = data[at], data[at + 1]
            length, start = second & LENGTH_BITS, at + 2
            if length == SHORT_LENGTH:
                if size < at + 4:
                    break
                length, start = data[at + 2] << 8 | data[at + 3], at + 4
            elif length == LONG_LENGTH:
                if size < at + 10:
                    break
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if second & MASK_BIT:
                start += 4
            end = start + length
            if end > size:
                if second & LENGTH_BITS == LONG_LENGTH:
                    self._pass_on(data[at:])
                    self._passing = end - size
                    self._note_fragment(head)
                    at = size
                break
            if head == self._head and second & MASK_BIT == self._mask_bit and not self._is_fragmented:
                payload = data[start:end]
                if self._mask_bit:
                    payload = apply_mask(payload, data[start - 4 : start])
                if self._deliver(payload):
                    at = end
                    continue
            self._note_fragment(head)
            self._pass_on(data[at:end])
            at = end
        self._rest = data[at:]

    def _note_fragment(self, head: int) -> None:
        """Track fragmented messages. Only control frames may come between their parts."""
        if not head & 0x08:
            self._is_fragmented = not head & 0x80


def build_frame(head: int, payload: bytes) -> bytes:
    """Return a server's frame, which is not masked."""
    length = len(payload)
    if length < SHORT_LENGTH:
        return bytes((head, length)) + payload
    if length <= 0xFFFF:
        return _TWO_BYTES.pack(head, SHORT_LENGTH, length) + payload
    return _EIGHT_BYTES.pack(head, LONG_LENGTH, length) + payload


class MaskedFrameBuilder:
    """Builder of a client's frames. It takes random masks from the system, many at a time."""

    def __init__(self) -> None:
        self._masks = b""
        self._next = 0

    def build(self, head: int, payload: bytes) -> bytes:
        if self._next >= len(self._masks):
            self._masks, self._next = os.urandom(MASKS_AT_ONCE), 0
        mask = self._masks[self._next : self._next + 4]
        self._next += 4
        length = len(payload)
        if length < SHORT_LENGTH:
            start = bytes((head, MASK_BIT | length))
        elif length <= 0xFFFF:
            start = _TWO_BYTES.pack(head, MASK_BIT | SHORT_LENGTH, length)
        else:
            start = _EIGHT_BYTES.pack(head, MASK_BIT | LONG_LENGTH, length)
        return start + mask + apply_mask(payload, mask)
