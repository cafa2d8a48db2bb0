"""Deadlines for a whole exchange with another system. A socket's own timeout restarts with every byte received."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread, Timer


class Deadline:
    """The time by which an exchange must end, whatever the other side sends until then."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def remaining(self) -> float:
        """Return the seconds that are left. Raise TimeoutError if there are none."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("The deadline has passed.")
        return left

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Raise OSError or UnicodeError if it is unknown, TimeoutError when time is up.

        The system's resolver accepts no deadline, so a thread waits for it. A late answer is dropped.
        """
        answers: SimpleQueue[list[str] | Exception] = SimpleQueue()
        Thread(target=_resolve, args=(host, port, answers), name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=self.remaining())
        except Empty:
            raise TimeoutError("The resolver did not answer.") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def connect(self, addresses: Sequence[str], port: int) -> socket.socket:
        """Connect to the first address that answers. Raise OSError if none does."""
        for number, address in enumerate(addresses, 1):
            try:
                # Divide the remaining time, so that an address that stays silent leaves some for the others.
                share = self.remaining() / (len(addresses) - number + 1)
                return socket.create_connection((address, port), share)
            except OSError:
                if number == len(addresses):
                    raise
        raise OSError("The host has no address.")

    @contextmanager
    def enforce(self, current_socket: Callable[[], socket.socket | None]) -> Iterator[None]:
        """Shut the socket down when time is up, which ends all pending reads and writes. Raise TimeoutError then."""
        timer = Timer(self.remaining(), lambda: _shut_down(current_socket()))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        self.remaining()


def _resolve(host: str, port: int, answers: "SimpleQueue[list[str] | Exception]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error)
    else:
        answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))


def _shut_down(current: socket.socket | None) -> None:
    if current is not None:
        with suppress(OSError):
            # SSLSocket's own method would drop the TLS state while another thread is still reading.
            socket.socket.shutdown(current, socket.SHUT_RDWR)
