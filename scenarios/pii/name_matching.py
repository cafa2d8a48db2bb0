"""Search for the names of a source in a draft."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.joined_words import build_handles, join_words, match_joined_words
from scenarios.pii.names import MAX_INITIALS, has_person_context, is_month
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.vocabulary import FUNCTION_WORDS, NEVER_NAMES, PARTICLES, WORD_LISTS, is_ambiguous, is_common_word


@dataclass
class NamePart:
    """One word of a source's names and the evidence required to match it."""

    is_explicit: bool  # introduced in the source as a name
    is_ambiguous: bool  # also an ordinary word
    # Not in any word list, and its capitalization in the source is no evidence either way.
    is_guess: bool = False


def match_names(
    identifiers: Iterable[SourceIdentifier], unexplained: Iterable[str], normalized: NormalizedText
) -> list[PIISpan]:
    """Find any part of any name, and unexplained source words that the draft capitalizes like names.

    A part that is not an ordinary word is also found in lowercase.
    """
    known = _NameParts(identifiers, unexplained)
    hits = [known.matches(normalized.words, at) for at in range(len(normalized.words))]
    return [*_join_hits(normalized.words, hits), *match_joined_words(known.joined, normalized, PIIKind.NAME)]


class _NameParts:
    """The words of a source's names, prepared for matching."""

    def __init__(self, identifiers: Iterable[SourceIdentifier], unexplained: Iterable[str]) -> None:
        self.parts: dict[str, NamePart] = {}
        self.initials: set[str] = set()
        self.as_written: set[str] = set()
        self.joined: set[str] = set()
        for identifier in identifiers:
            self._add(NormalizedText(identifier.text).words, identifier.is_explicit)
        for key in unexplained:
            self.parts.setdefault(key, NamePart(is_explicit=False, is_ambiguous=True, is_guess=True))

    def _add(self, words: Sequence[Word], is_sure: bool) -> None:
        initials = "".join(word.key for word in words if word.is_initial)
        if len(initials) > 1:
            self.initials.add(initials)
        whole = [word.key for word in words if word.raw not in PARTICLES]
        self.joined.update(build_handles(whole), join_words(whole), *(join_words([key]) for key in whole))
        for word in words:
            if len(word.key) < 2 or word.raw in PARTICLES:
                continue
            if word.raw[0].islower():
                self.as_written.add(word.key)
            part = self.parts.setdefault(word.key, NamePart(is_explicit=False, is_ambiguous=is_ambiguous(word.key)))
            part.is_explicit |= is_sure

    def matches(self, words: Sequence[Word], at: int) -> bool:
        word = words[at]
        if word.is_initial:
            return self._matches_initials(words, at)
        part = self.parts.get(word.key) or (self.parts.get(word.key[:-1]) if self._is_plural(word) else None)
        if part is None:
            return False
        if not word.is_capital:
            return word.key in self.as_written or (not part.is_ambiguous and len(word.key) > 2)
        if part.is_guess and _is_in_heading(words, at):
            return False
        return not part.is_ambiguous or self._looks_like_name(words, at)

    def _is_plural(self, word: Word) -> bool:
        return word.is_capital and len(word.key) > 4 and word.key.endswith("s")

    def _matches_initials(self, words: Sequence[Word], at: int) -> bool:
        first = last = at
        while first > max(0, at - MAX_INITIALS) and _continues_initials(words, first):
            first -= 1
        while last + 1 < min(len(words), at + MAX_INITIALS) and _continues_initials(words, last + 1):
            last += 1
        return "".join(word.key for word in words[first : last + 1]) in self.initials

    def _looks_like_name(self, words: Sequence[Word], at: int) -> bool:
        """Return True if an ordinary word reads as a name.

        A capital letter in the middle of a sentence is enough. At the start, the next word must indicate a person.
        """
        word = words[at]
        neighbors = [
            neighbor for neighbor in words[max(0, at - 1) : at + 2] if neighbor is not word and neighbor.is_capital
        ]
        if any(neighbor.key in self.parts and neighbor.key not in NEVER_NAMES for neighbor in neighbors):
            return True
        if word.is_in_all_caps_line or (word.is_all_capitals and len(word.key) > 1) or is_month(words, at):
            return False
        if not word.starts_sentence or word.is_possessive:
            return True
        return has_person_context(words, at)


def _continues_initials(words: Sequence[Word], at: int) -> bool:
    return words[at].is_initial and words[at].gap in {".", ". "} and words[at - 1].is_initial


def _is_in_heading(words: Sequence[Word], at: int) -> bool:
    """Return True next to an ordinary capitalized word, because capitals in a heading do not indicate a name."""
    neighbors = [words[at - 1]] if at and words[at].gap == " " else []
    neighbors += [word for word in words[at + 1 : at + 2] if word.gap == " "]
    ordinary = [word for word in neighbors if word.key in FUNCTION_WORDS or _is_heading_word(word)]
    return any(word.is_capital and not word.starts_sentence for word in ordinary)


def _is_heading_word(word: Word) -> bool:
    """Return True for an ordinary word, except for words such as "Lodge", which can follow a name."""
    return is_common_word(word.key) and word.key not in WORD_LISTS["institutions"]


def _join_hits(words: Sequence[Word], hits: Sequence[bool]) -> Iterator[PIISpan]:
    """Yield neighboring name parts as one name."""
    first: int | None = None
    for at, hit in enumerate([*hits, False]):
        if hit and first is None:
            first = at
        elif first is not None and not (hit and _is_same_name(words, at)):
            yield PIISpan(words[first].start, words[at - 1].end, PIIKind.NAME)
            first = at if hit else None


def _is_same_name(words: Sequence[Word], at: int) -> bool:
    before = words[at - 1]
    gaps = {" ", "-", ".", ". "} if before.is_initial else {" ", "-", "_", "\n"}
    return words[at].gap in gaps and not before.is_possessive
