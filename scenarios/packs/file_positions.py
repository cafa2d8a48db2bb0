"""Line and column positions in a file."""

from dataclasses import dataclass

from scenarios.messages import Message, gettext_noop
from scenarios.packs.rows import UnreadablePackError

# Far above any row that fits into a scenario. Limits how much is parsed at a time.
MAX_ROW_BYTES = 1024**2
MAX_ROW_MEGABYTES = MAX_ROW_BYTES // 1024**2
NOT_UTF8 = gettext_noop(
    "The file is not UTF-8: the byte %(byte)s is invalid here. "
    "Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”) and upload it again."
)

_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


@dataclass(frozen=True)
class FilePosition:
    """A position in a file. Each one is counted from an earlier one, so that finding all of them takes one pass."""

    data: bytes
    position: int  # byte offset
    line: int = 1  # from 1
    column: int = 1  # characters, from 1

    def moved_to(self, position: int) -> "FilePosition":
        """Return the position of a byte offset that is not before this one."""
        passed = self.data[self.position : position]
        lines = passed.count(b"\n") + passed.count(b"\r") - passed.count(b"\r\n")
        if lines:
            passed = passed[max(passed.rfind(b"\n"), passed.rfind(b"\r")) + 1 :]
        characters = len(passed.translate(None, _CONTINUATION_BYTES))
        return FilePosition(self.data, position, self.line + lines, characters + (1 if lines else self.column))

    def error_at(self, position: int, reason: Message) -> UnreadablePackError:
        place = self.moved_to(position)
        return UnreadablePackError(reason, place.line, place.column)

    def text(self, start: int, end: int) -> str:
        """Return the decoded text. Raise UnreadablePackError at the first byte that is not UTF-8."""
        try:
            return self.data[start:end].decode()
        except UnicodeDecodeError as error:
            position = start + error.start
            raise self.error_at(position, Message(NOT_UTF8, {"byte": f"0x{self.data[position]:02X}"})) from None
