"""A page without a browser's machinery: it reads when it is told to, and answers nothing by itself."""

import json
import socket
from urllib.parse import urlsplit

from tests.voicegateway.gateway_process import ORIGIN, PATIENCE, GatewayProcess
from training.models import Session
from training.services.tickets import issue_ticket


class BarePage(socket.socket):
    """Its frames have a mask of zeros."""

    def connect_to(self, gateway: GatewayProcess, session: Session) -> None:
        address = urlsplit(gateway.url)
        self.settimeout(PATIENCE)
        self.connect((address.hostname, address.port))
        handshake = (
            f"GET /ws/calls/{session.pk}/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {ORIGIN}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: steadyline.v1, ticket.{issue_ticket(session)[1]}\r\n\r\n"
        )
        self.sendall(handshake.encode())
        self.read_until(b"\r\n\r\n")  # what is sent before the socket is one is lost
        self.say(type="hello", last_revision=0)

    def say(self, **message: object) -> None:
        data = json.dumps(message).encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        self.sendall(b"\x81" + length + bytes(4) + data)

    def answer_close(self, code: int) -> None:
        self.sendall(b"\x88\x82" + bytes(4) + code.to_bytes(2, "big"))

    def read_until(self, end: bytes) -> bytes:
        read = b""
        while end not in read:
            data = self.recv(65536)
            assert data, f"The gateway closed, having said {read!r}"
            read += data
        return read

    def read_to_the_end(self) -> bytes:
        """What had been sent when the other end gave up."""
        read = b""
        try:
            while data := self.recv(65536):
                read += data
        except ConnectionResetError:
            read += b"RESET"
        return read


def close_frame(code: int) -> bytes:
    """As a gateway sends it."""
    return b"\x88\x02" + code.to_bytes(2, "big")
