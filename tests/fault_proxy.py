"""Stands between a program of ours and a server of this machine, and behaves as badly as it is told."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Fault = Literal["", "down", "blackhole", "resetting", "unavailable"]
FAULTS: list[Fault] = ["down", "blackhole", "resetting", "unavailable"]

RESET_AFTER = 8_000  # bytes of a request: its head gets through, its body does not
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 61\r\nConnection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>Later</Message></Error>\n"
)


class FaultProxy:
    """Every connection that is open when the fault changes is broken off."""

    def __init__(self, target: str) -> None:
        host, port = target.rsplit("/", 1)[-1].split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.fault: Fault = ""
        self.met = 0  # connections that met a fault
        self._serve()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._address[1]}"

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        self.turn(fault)
        try:
            yield
        finally:
            self.turn("")

    def turn(self, fault: Fault) -> None:
        was, self.fault = self.fault, fault
        if fault == "down":
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._break_off()
        if was == "down" and fault != "down":
            self._listener = socket.create_server(self._address)
            self._serve()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break_off()

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
                self.met += bool(self.fault)
            if self.fault == "unavailable":
                threading.Thread(target=self._refuse, args=[client], daemon=True).start()
            elif self.fault != "blackhole":
                threading.Thread(target=self._pass_on, args=[client, self.fault], daemon=True).start()

    def _refuse(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.recv(65_536)
            client.sendall(BUSY)
            # What else it sends is read, or the answer would be thrown away with the connection.
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):
                pass
        self._hang_up(client)

    def _pass_on(self, client: socket.socket, fault: Fault) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            self._hang_up(client)
            return
        with self._lock:
            self._open.add(server)
        threading.Thread(target=self._copy, args=[server, client, 0], daemon=True).start()
        self._copy(client, server, RESET_AFTER if fault == "resetting" else 0)

    def _copy(self, source: socket.socket, sink: socket.socket, most: int) -> None:
        copied = 0
        with suppress(OSError):
            while data := source.recv(65_536):
                copied += len(data)
                if most and copied > most:
                    break
                sink.sendall(data)
        self._hang_up(source, is_reset=bool(most))
        self._hang_up(sink, is_reset=bool(most))

    def _break_off(self) -> None:
        with self._lock:
            left, self._open = self._open, set()
        for one in left:
            self._hang_up(one, is_reset=True)

    def _hang_up(self, one: socket.socket, is_reset: bool = False) -> None:
        with suppress(OSError):
            if is_reset:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                one.shutdown(socket.SHUT_RDWR)
        one.close()
        with self._lock:
            self._open.discard(one)
