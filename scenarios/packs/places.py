"""Where something stands in a file."""

from dataclasses import dataclass

from scenarios.packs.rows import PackRefused

# No row that a scenario fits in comes near it; what is parsed at once is bounded by it.
MOST_ROW_BYTES = 1024**2
TOO_LONG = f"is longer than {MOST_ROW_BYTES // 1024**2} MB"
NOT_UTF8 = (
    "The file is not UTF-8: the byte 0x{byte:02X} stands here. "
    "Save it again as UTF-8 (in a spreadsheet: “CSV UTF-8”) and upload that."
)

_WITHIN_A_CHARACTER = bytes(range(0x80, 0xC0))


@dataclass(frozen=True)
class Bookmark:
    """A place in a file, counted onwards from an earlier one: all places together cost one reading of the file."""

    data: bytes
    position: int
    line: int = 1
    column: int = 1

    def moved_to(self, position: int) -> "Bookmark":
        """The place of a byte that is not before this one."""
        passed = self.data[self.position : position]
        lines = passed.count(b"\n") + passed.count(b"\r") - passed.count(b"\r\n")
        if lines:
            passed = passed[max(passed.rfind(b"\n"), passed.rfind(b"\r")) + 1 :]
        characters = len(passed.translate(None, _WITHIN_A_CHARACTER))
        return Bookmark(self.data, position, self.line + lines, characters + (1 if lines else self.column))

    def refusal(self, position: int, message: str) -> PackRefused:
        place = self.moved_to(position)
        return PackRefused(message, place.line, place.column)

    def text(self, start: int, end: int) -> str:
        """What stands there, decoded. Raises PackRefused at the first byte that is not UTF-8."""
        try:
            return self.data[start:end].decode()
        except UnicodeDecodeError as error:
            position = start + error.start
            raise self.refusal(position, NOT_UTF8.format(byte=self.data[position])) from None
