"""Text with everything folded away that a reader would not see, for comparing quotes with their source.

Folded are letter case, runs of white space, invisible characters, the encoding of accents, and the shape of hyphens,
dashes, apostrophes, quotation marks, ellipses, and ligatures. Letters, accents, digits, signs, and their order stay.
"""

from __future__ import annotations

import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

_APOSTROPHES = "‘’‚‛ʹʻʼʽˈ′‵‹›＇`´"
_QUOTATION_MARKS = "“”„‟«»″‶＂"
_DASHES = "‐‑‒–—―⁃−﹘﹣－⸺⸻"
_LIGATURES = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_SAME_LOOK = {
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys(_QUOTATION_MARKS, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **_LIGATURES,
    "…": "...",
}
# Variation selectors, the grapheme joiner, and fillers. They draw nothing, but their category is not Cf.
_INVISIBLE = frozenset(
    [*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)), *"\u034f\u115f\u1160\u3164\uffa0"]
)
# Signs before Arabic, Syriac, and Kaithi numbers. Their category is Cf, but they are drawn.
_DRAWN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_DIGIT_JOINERS = ".,:/"


@dataclass(frozen=True)
class FoldedText:
    """A folded text, with the place of each of its characters in the original."""

    text: str
    starts: array[int]  # offset in the original of each character
    ends: array[int]  # offset after it; further than one for a run that became one character

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original of the folded characters from `start` up to `end`, at least one."""
        return min(self.starts[start:end]), max(self.ends[start:end])

    def splits_word(self, at: int) -> bool:
        """Return whether a cut before the character `at` divides a word or a number: can|'t, 1.|5, or -|5."""
        if is_word_character(self._at(at - 1)) and is_word_character(self._at(at)):
            return True
        return self._joins(at - 1) or self._joins(at) or self._is_minus(at)

    def _joins(self, mark: int) -> bool:
        """Return whether the character is an apostrophe inside a word, or a mark inside a number."""
        sign, before, after = self._at(mark), self._at(mark - 1), self._at(mark + 1)
        if sign == "'":
            return is_word_character(before) and is_word_character(after)
        return sign != "" and sign in _DIGIT_JOINERS and before.isdigit() and after.isdigit()

    def _is_minus(self, at: int) -> bool:
        return self._at(at - 1) == "-" and self._at(at).isdigit() and not is_word_character(self._at(at - 2))

    def _at(self, index: int) -> str:
        return self.text[index] if 0 <= index < len(self.text) else ""


class _TextFolder:
    """A text that is being folded, character by character."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, letter: str, place: int) -> None:
        if letter in " -" and self.letters and self.letters[-1] == letter:
            self.ends[-1] = place + 1
            return
        self.letters.append(letter)
        self.starts.append(place)
        self.ends.append(place + 1)
        self._sort_marks()

    def _sort_marks(self) -> None:
        """Move the last combining mark before those of a higher class, as Unicode orders them."""
        index = len(self.letters) - 1
        order = unicodedata.combining(self.letters[index])
        while order and index and unicodedata.combining(self.letters[index - 1]) > order:
            self._swap(index - 1, index)
            index -= 1

    def _swap(self, one: int, other: int) -> None:
        self.letters[one], self.letters[other] = self.letters[other], self.letters[one]
        self.starts[one], self.starts[other] = self.starts[other], self.starts[one]
        self.ends[one], self.ends[other] = self.ends[other], self.ends[one]


@lru_cache(maxsize=1024)
def fold_text(text: str) -> FoldedText:
    """Fold a text for comparison."""
    folder = _TextFolder()
    for place, original in enumerate(text):
        for letter in _fold_character(original):
            folder.add(letter, place)
    return FoldedText("".join(folder.letters), array("I", folder.starts), array("I", folder.ends))


@lru_cache(maxsize=1024)
def fold_document(text: str) -> FoldedText:
    """Fold a document for comparison. Hyphens between letters are dropped too, with a line break after them.

    Readers of PDFs disagree on whether a hyphen at a line end belongs to the word.
    """
    folded = fold_text(text)
    kept = [index for index in range(len(folded.text)) if not _is_in_hyphenation(folded.text, index)]
    return FoldedText(
        "".join(folded.text[index] for index in kept),
        array("I", (folded.starts[index] for index in kept)),
        array("I", (folded.ends[index] for index in kept)),
    )


def _is_in_hyphenation(text: str, index: int) -> bool:
    """Return whether the character is a hyphen between letters, or the space after such a hyphen."""
    if text[index] == " " and text[index - 1 : index] == "-":
        return _is_in_hyphenation(text, index - 1)
    if text[index] != "-":
        return False
    after = index + 2 if text[index + 1 : index + 2] == " " else index + 1
    return text[index - 1 : index].isalpha() and text[after : after + 1].isalpha()


def _fold_character(letter: str) -> str:
    """Return the letters that stand for one character: none for an invisible one, several for a ligature."""
    if letter.isascii():
        return " " if letter.isspace() else "'" if letter == "`" else letter.lower()
    if letter in _SAME_LOOK:
        return _SAME_LOOK[letter]
    if letter.isspace():
        return " "
    if letter in _INVISIBLE or (unicodedata.category(letter) == "Cf" and letter not in _DRAWN_FORMATS):
        return ""
    return unicodedata.normalize("NFD", letter.lower())


def is_word_character(letter: str) -> bool:
    """Return whether a character belongs to a word: a letter, a digit, an underscore, or a mark on a letter."""
    return letter.isalnum() or letter == "_" or (letter != "" and unicodedata.category(letter)[0] == "M")
