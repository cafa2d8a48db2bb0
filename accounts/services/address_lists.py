"""Email addresses in pasted text: lists from mail programs, spreadsheets, and notes, with or without names."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.web.visible_text import remove_unseen, strip_blank

_SEPARATORS = ",;\t|"
_WRAPPING = "<>()[]{}\"'“”‘’«»`*:."


@dataclass(frozen=True)
class PastedAddress:
    """One entry of a pasted list."""

    text: str  # as pasted
    email: str  # in lowercase, not checked; empty if the entry contains no “@”
    name: str = ""


def read_addresses(text: str) -> list[PastedAddress]:
    """Return the entries of a pasted text in order. Commas, semicolons, tabs, bars, spaces, and lines separate them."""
    return [entry for line in text.splitlines() for entry in _read_line(line)]


def _read_line(line: str) -> Iterator[PastedAddress]:
    """Yield the entries of a line. A piece without an address names the next one, as in “Marsh, Leo <leo@…>”."""
    before: list[str] = []
    for piece in _split(line):
        if "@" not in piece:
            before.append(piece)
            continue
        yield from _read_piece(piece, before)
        before = []
    if before:
        yield PastedAddress(", ".join(before), "")


def _split(line: str) -> Iterator[str]:
    for separator in _SEPARATORS[1:]:
        line = line.replace(separator, _SEPARATORS[0])
    # “A <a@x.org> B <b@x.org>”, as some programs copy recipients.
    for piece in line.replace(">", f">{_SEPARATORS[0]}").split(_SEPARATORS[0]):
        if strip_blank(piece).strip(_WRAPPING):
            yield strip_blank(piece)


def _read_piece(piece: str, before: list[str]) -> Iterator[PastedAddress]:
    words = piece.replace("<", " <").split()
    addresses = [word for word in words if "@" in word]
    if len(addresses) > 1:
        yield from (PastedAddress(word, _clean(word)) for word in addresses)
        return
    name = " ".join(" ".join([*(word for word in words if "@" not in word), *reversed(before)]).split())
    yield PastedAddress(", ".join([*before, piece]), _clean(addresses[0]), name.strip(_WRAPPING + " ")[:150])


def _clean(word: str) -> str:
    return remove_unseen(word).strip(_WRAPPING).lower().removeprefix("mailto:")
