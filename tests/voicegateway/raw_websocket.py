"""Raw WebSocket client that reads only on request and never replies automatically."""

import json
import socket
from urllib.parse import urlsplit

from tests.voicegateway.gateway_process import ORIGIN, TIMEOUT, GatewayProcess
from training.models import Session
from training.services.call_tickets import issue_ticket


class RawWebSocketClient(socket.socket):
    """A WebSocket client on a plain socket, with frames masked by zeros."""

    def connect_to(self, gateway: GatewayProcess, session: Session) -> None:
        address = urlsplit(gateway.url)
        self.settimeout(TIMEOUT)
        self.connect((address.hostname, address.port))
        handshake = (
            f"GET /ws/calls/{session.pk}/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {ORIGIN}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: steadyline.v1, ticket.{issue_ticket(session)[1]}\r\n\r\n"
        )
        self.sendall(handshake.encode())
        self.read_until(b"\r\n\r\n")  # a message sent before the handshake completes is lost
        self.send_message(type="hello", last_revision=0)

    def send_message(self, **message: object) -> None:
        data = json.dumps(message).encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        self.sendall(b"\x81" + length + bytes(4) + data)

    def send_close(self, code: int) -> None:
        self.sendall(b"\x88\x82" + bytes(4) + code.to_bytes(2, "big"))

    def read_until(self, end: bytes) -> bytes:
        read = b""
        while end not in read:
            data = self.recv(65536)
            assert data, f"The gateway closed the connection after sending {read!r}"
            read += data
        return read

    def read_until_closed(self) -> bytes:
        """Read until the peer closes and return all of it, with b"RESET" appended if the connection was reset."""
        read = b""
        try:
            while data := self.recv(65536):
                read += data
        except ConnectionResetError:
            read += b"RESET"
        return read


def close_frame(code: int) -> bytes:
    """Return a close frame as the gateway sends it, unmasked."""
    return b"\x88\x02" + code.to_bytes(2, "big")
