"""Text normalized for comparison: no accents or invisible characters, uniform quotes and hyphens, offsets kept."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.vocabulary import WORD_LISTS

TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u02bc\u02b9\u00b4`\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
        **{"\u2014": " \u2014 "},
        **{"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"},
    }
)
# Letters that look Latin. Both cases are mapped, so that a Cyrillic or Greek name has one key.
CYRILLIC = ("авекмнорстухіјѕһԁԛԝӏ", "abekmhopctyxijshdqwl")
GREEK = ("αβεζηικμνορτυχ", "abezhikmnoptyx")
HOMOGLYPHS = {
    **{"ı": "i", "ɑ": "a", "ɡ": "g"},
    **{other: latin for others, latins in (CYRILLIC, GREEK) for other, latin in zip(others, latins, strict=True)},
}
LATIN = str.maketrans(HOMOGLYPHS | {other.upper(): latin.upper() for other, latin in HOMOGLYPHS.items()})
ASCII_ALIKE = {"`": "'", "\r": "\n"}
INVISIBLE = {"Mn", "Me", "Cf"}
WORD = BoundedPattern(r"[^\W_]+(?:'[^\W_]+)*")
# Suffixes attached to a name that are not part of it.
CLITIC = BoundedPattern(r"'(?:s|d|ll)$", re.IGNORECASE)
SENTENCE_END = BoundedPattern(r'[.!?:\n\r"\u2022\u2014*\u2026]')
ABBREVIATIONS = WORD_LISTS["abbreviations"]
ALL_CAPS_SHARE = 0.7  # share of capitals among the letters of a line
# A line of 60 or more characters is assumed to be wrapped by an editor, not ended by the writer.
SOFT_LINE_BREAK = BoundedPattern(r"(?<=[^\n]{60})\n(?=[^\W\d_])")


@dataclass(frozen=True)
class Word:
    """A word of a normalized text."""

    start: int  # offset into `NormalizedText.plain`
    end: int  # offset after the word without its clitic
    raw: str  # the word as written, including its clitic
    key: str  # lowercase form for comparison
    gap: str  # characters between the previous word and this one
    starts_sentence: bool
    is_in_all_caps_line: bool

    @property
    def is_capital(self) -> bool:
        return self.raw[0].isupper()

    @property
    def is_all_capitals(self) -> bool:
        return len(self.key) > 1 and self.raw[: self.end - self.start].isupper()

    @property
    def is_initial(self) -> bool:
        return len(self.raw) == 1 and self.raw.isupper()

    @property
    def is_possessive(self) -> bool:
        return self.end - self.start < len(self.raw)


class NormalizedText:
    """A normalized text (`plain`) and its words. `original_span` maps offsets back to the original text."""

    def __init__(self, text: str) -> None:
        self.text = text
        pieces: list[str] = []
        self._origin: list[int] = []
        for position, character in enumerate(text):
            # Every line break, even CR LF, counts as one character.
            is_second_half = character == "\n" and text[position - 1 : position] == "\r"
            plain = "" if is_second_half else _normalize_character(character)
            pieces.append(plain)
            self._origin += [position] * len(plain)
        self.plain = SOFT_LINE_BREAK.sub(" ", "".join(pieces))
        self._origin.append(len(text))

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original offsets of plain[start:end].

        Characters that are missing from `plain`, such as combining accents, belong to the character before them.
        """
        first, last = self._origin[start], self._origin[end - 1]
        return first, max(self._origin[end], last + 1)

    def original(self, start: int, end: int) -> str:
        first, last = self.original_span(start, end)
        return self.text[first:last]

    @cached_property
    def words(self) -> list[Word]:
        all_caps_lines = self._all_caps_lines()
        words: list[Word] = []
        for match in WORD.finditer(self.plain):
            before = words[-1] if words else None
            gap = self.plain[before.start + len(before.raw) : match.start()] if before else "\n"
            words.append(_build_word(match, gap, before, _covers(all_caps_lines, match.start())))
        return words

    @cached_property
    def lowercase_words(self) -> frozenset[str]:
        """Words that occur in lowercase somewhere in the text."""
        return frozenset(word.key for word in self.words if word.raw[0].islower())

    def _all_caps_lines(self) -> list[tuple[int, int]]:
        lines, start = [], 0
        for line in self.plain.splitlines(keepends=True):
            letters = [character for character in line if character.isalpha()]
            capitals = sum(character.isupper() for character in letters)
            if len(letters) > 1 and capitals >= ALL_CAPS_SHARE * len(letters):
                lines.append((start, start + len(line)))
            start += len(line)
        return lines[::-1]


def _covers(spans: list[tuple[int, int]], position: int) -> bool:
    """Return True if a span contains the position.

    Spans are ordered last first and positions only increase, so spans before the position are dropped from the list.
    """
    while spans and spans[-1][1] <= position:
        spans.pop()
    return bool(spans) and spans[-1][0] <= position


def _normalize_character(character: str) -> str:
    if character.isascii():
        return ASCII_ALIKE.get(character, character)
    letters = unicodedata.normalize("NFKD", character.translate(TYPOGRAPHY))
    visible = "".join(_to_ascii(letter) for letter in letters if unicodedata.category(letter) not in INVISIBLE)
    return visible.translate(TYPOGRAPHY)


def _to_ascii(letter: str) -> str:
    """Return ASCII digits for digits of any script, and Latin letters for letters that look Latin."""
    digit = unicodedata.digit(letter, None)
    return letter.translate(LATIN) if digit is None else str(digit)


def _build_word(match: re.Match[str], gap: str, before: Word | None, is_in_all_caps_line: bool) -> Word:
    raw = match[0]
    own = CLITIC.sub("", raw)
    starts = bool(SENTENCE_END.search(gap)) and not (before and gap.startswith(".") and _is_abbreviation(before))
    return Word(
        start=match.start(),
        end=match.start() + len(own),
        raw=raw,
        key=own.casefold().replace("'", ""),
        gap=gap,
        starts_sentence=starts,
        is_in_all_caps_line=is_in_all_caps_line,
    )


def _is_abbreviation(word: Word) -> bool:
    return word.key in ABBREVIATIONS or word.is_initial
