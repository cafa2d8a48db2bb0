import re
from dataclasses import dataclass

# One range only: a header of many is answered whole, as RFC 9110 allows, so that it cannot hurt.
_SINGLE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range lies outside of the file: 416."""


def parse_range(header: str, size: int) -> Span | None:
    """The part that a Range header asks for; None when the whole is to be sent (no, many or malformed ranges)."""
    found = _SINGLE.fullmatch(header.strip())
    if not found or found[1] == found[2] == "":
        return None
    if not found[1]:
        length = int(found[2])
        if not length or not size:
            raise Unsatisfiable
        return Span(max(size - length, 0), size - 1)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, last)
