"""Proxy between a program under test and a local server, with faults on demand."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from tests.support.servers import free_port

Fault = Literal["", "down", "blackhole", "resetting", "unavailable"]
FAULTS: list[Fault] = ["down", "blackhole", "resetting", "unavailable"]

RESET_AFTER_BYTES = 8_000  # bytes of a request, so its head gets through and its body does not
UNAVAILABLE_RESPONSE = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 61\r\nConnection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>Later</Message></Error>\n"
)


class FaultProxy:
    """TCP proxy with a switchable fault. Changing the fault closes every open connection."""

    def __init__(self, target: str) -> None:
        host, port = target.rsplit("/", 1)[-1].split(":")
        self._target = (host, int(port))
        # After "down", the same port must still be free.
        self._address = ("127.0.0.1", free_port())
        self._listener = socket.create_server(self._address)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.fault: Fault = ""
        self.faulted_connections = 0  # connections that ran into a fault
        self._serve()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._address[1]}"

    @contextmanager
    def with_fault(self, fault: Fault) -> Iterator[None]:
        self.set_fault(fault)
        try:
            yield
        finally:
            self.set_fault("")

    def set_fault(self, fault: Fault) -> None:
        was, self.fault = self.fault, fault
        if fault == "down":
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._close_connections()
        if was == "down" and fault != "down":
            self._listener = socket.create_server(self._address)
            self._serve()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_connections()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(client)
                self.faulted_connections += bool(self.fault)
            if self.fault == "unavailable":
                threading.Thread(target=self._refuse, args=[client], daemon=True).start()
            elif self.fault != "blackhole":
                threading.Thread(target=self._forward, args=[client, self.fault], daemon=True).start()

    def _refuse(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.recv(65_536)
            client.sendall(UNAVAILABLE_RESPONSE)
            # Read the rest of the request: closing with unread data would reset the connection and lose the response.
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):
                pass
        self._close_socket(client)

    def _forward(self, client: socket.socket, fault: Fault) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            self._close_socket(client)
            return
        with self._lock:
            self._open.add(server)
        threading.Thread(target=self._copy, args=[server, client, 0], daemon=True).start()
        self._copy(client, server, RESET_AFTER_BYTES if fault == "resetting" else 0)

    def _copy(self, source: socket.socket, sink: socket.socket, max_bytes: int) -> None:
        copied = 0
        with suppress(OSError):
            while data := source.recv(65_536):
                copied += len(data)
                if max_bytes and copied > max_bytes:
                    break
                sink.sendall(data)
        self._close_socket(source, is_reset=bool(max_bytes))
        self._close_socket(sink, is_reset=bool(max_bytes))

    def _close_connections(self) -> None:
        with self._lock:
            left, self._open = self._open, set()
        for connection in left:
            self._close_socket(connection, is_reset=True)

    def _close_socket(self, connection: socket.socket, is_reset: bool = False) -> None:
        with suppress(OSError):
            if is_reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.shutdown(socket.SHUT_RDWR)
        connection.close()
        with self._lock:
            self._open.discard(connection)
