"""Server that answers with raw bytes, and drips them."""

import socket
import threading


class RawReceiver:
    """Server that sends `first` on each connection, then one byte of `drip` at a time until the sender leaves."""

    def __init__(self, first: bytes, drip: bytes = b"") -> None:
        self.first, self.drip = first, drip
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(self.first)
                connection.settimeout(0.02)
                while True:
                    try:
                        if not connection.recv(4096):
                            break
                    except TimeoutError:
                        connection.sendall(self.drip)
            except OSError:
                pass
        self.ended.set()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)
