"""Minimal WebSocket framing for both ends of a call benchmark, cheaper than the code under measurement."""

import asyncio
import struct
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import cast

from websockets.speedups import apply_mask

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NO_MASK = bytes(4)


class WebSocketProtocol(asyncio.Protocol):
    """One end of a WebSocket. `on_message(opcode, payload)` is called for each message; fragments are not supported."""

    is_client = False

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.buffer = bytearray()
        self.is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[int, bytes], None] = lambda opcode, payload: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transport is not an asyncio.Transport

    def connection_lost(self, error: Exception | None) -> None:
        self._finish(1006)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.is_open and not self._finish_handshake():
            return
        while self._parse_frame():
            pass

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one frame. A client masks with zeros, which costs the receiver the same work as any other mask."""
        length = len(payload)
        masked = 0x80 if self.is_client else 0
        if length < 126:
            head = bytes([0x80 | opcode, masked | length])
        elif length < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, masked | 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, masked | 127, length)
        self.transport.write(head + (NO_MASK if masked else b"") + payload)

    def close(self) -> None:
        self.transport.close()

    def _finish_handshake(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end])
        del self.buffer[: end + 4]
        self.is_open = True
        self.handle_head(head)
        return self.is_open

    def handle_head(self, head: bytes) -> None:
        raise NotImplementedError

    def _parse_frame(self) -> bool:
        buffer = self.buffer
        if len(buffer) < 2:
            return False
        opcode, length, at = buffer[0] & 15, buffer[1] & 127, 2
        if length == 126:
            if len(buffer) < 4:
                return False
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            if len(buffer) < 10:
                return False
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        masked = buffer[1] & 0x80
        end = at + (4 if masked else 0) + length
        if len(buffer) < end:
            return False
        mask = bytes(buffer[at : at + 4]) if masked else b""
        payload = bytes(buffer[end - length : end])
        del buffer[:end]
        if masked:
            payload = apply_mask(payload, mask)
        self._handle_frame(opcode, payload)
        return True

    def _handle_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(payload, PONG)
        elif opcode == CLOSE:
            self._finish(int.from_bytes(payload[:2], "big") if payload else 1005)
            self.transport.close()
        elif opcode in {TEXT, BINARY}:
            self.on_message(opcode, payload)

    def _finish(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)
        if self.is_client and not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))


class WebSocketServerProtocol(WebSocketProtocol):
    path = ""

    def handle_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        self.path = lines[0].split(b" ")[1].decode()
        if b"upgrade:" not in head.lower():
            self._answer_models_request()
            return
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        accept = b64encode(sha1(fields[b"sec-websocket-key"] + GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.opened.set_result(None)

    def _answer_models_request(self) -> None:
        """Answer the only plain request, which the gateway's readiness check sends."""
        self.is_open = False
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        self.transport.write(head + b'{"object":"list","data":[]}')
        self.transport.close()


class WebSocketClientProtocol(WebSocketProtocol):
    is_client = True

    def send_upgrade_request(self, path: str, host: str, **headers: str) -> None:
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n".encode()
        )

    def handle_head(self, head: bytes) -> None:
        if b" 101 " in head.split(b"\r\n")[0]:
            self.opened.set_result(None)
        else:
            self.is_open = False
            self.opened.set_exception(ConnectionError(head.split(b"\r\n")[0].decode()))
