"""HTTP byte ranges."""

import re
from dataclasses import dataclass

# A header with several ranges gets the whole file, as RFC 9110 allows, because many ranges could be an attack.
_SINGLE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Range of bytes from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class UnsatisfiableRangeError(Exception):
    """Range outside the file. The response has status 416."""


def parse_range(header: str, size: int) -> ByteRange | None:
    """Parse a Range header for a file of `size` bytes.

    Return None if the whole file must be sent: for no range, several ranges, or a malformed one. Raise
    UnsatisfiableRangeError if the range is outside the file.
    """
    found = _SINGLE.fullmatch(header.strip())
    if not found or found[1] == found[2] == "":
        return None
    if not found[1]:
        length = int(found[2])
        if not length or not size:
            raise UnsatisfiableRangeError
        return ByteRange(max(size - length, 0), size - 1)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError
    return ByteRange(first, last)
