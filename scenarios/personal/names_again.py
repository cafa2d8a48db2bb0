"""The names of a source, seen again in a draft."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.names import MOST_INITIALS, is_followed_as_a_person, is_month
from scenarios.personal.reading import Reading, Word
from scenarios.personal.run_together import as_handles, as_one_word, find_run_together
from scenarios.personal.vocabulary import (
    LISTS,
    LITTLE_WORDS,
    NEVER_NAMES,
    PARTICLES,
    is_ambiguous,
    is_common,
)


@dataclass
class Part:
    """One word of the names in a source, and how much it takes to see it again."""

    is_sure: bool
    is_ambiguous: bool
    # Only a word that no list knows, and that stands where capitals say nothing
    is_guess: bool = False


def find_names(identifiers: Iterable[Identifier], unexplained: Iterable[str], reading: Reading) -> list[Span]:
    """Any part of any name, and unexplained words of the source that the draft writes as names.

    A part that is no ordinary word is found in small letters too.
    """
    known = _KnownParts(identifiers, unexplained)
    hits = [known.holds(reading.words, at) for at in range(len(reading.words))]
    return [*_joined(reading.words, hits), *find_run_together(known.run_together, reading, Kind.NAME)]


class _KnownParts:
    """The words of the names in a source, ready to be seen again."""

    def __init__(self, identifiers: Iterable[Identifier], unexplained: Iterable[str]) -> None:
        self.parts: dict[str, Part] = {}
        self.initials: set[str] = set()
        self.as_written: set[str] = set()
        self.run_together: set[str] = set()
        for identifier in identifiers:
            self._add(Reading(identifier.text).words, identifier.is_sure)
        for key in unexplained:
            self.parts.setdefault(key, Part(is_sure=False, is_ambiguous=True, is_guess=True))

    def _add(self, words: Sequence[Word], is_sure: bool) -> None:
        initials = "".join(word.key for word in words if word.is_initial)
        if len(initials) > 1:
            self.initials.add(initials)
        whole = [word.key for word in words if word.raw not in PARTICLES]
        self.run_together.update(as_handles(whole), as_one_word(whole), *(as_one_word([key]) for key in whole))
        for word in words:
            if len(word.key) < 2 or word.raw in PARTICLES:
                continue
            if word.raw[0].islower():
                self.as_written.add(word.key)
            part = self.parts.setdefault(word.key, Part(is_sure=False, is_ambiguous=is_ambiguous(word.key)))
            part.is_sure |= is_sure

    def holds(self, words: Sequence[Word], at: int) -> bool:
        word = words[at]
        if word.is_initial:
            return self._stands_in_initials(words, at)
        part = self.parts.get(word.key) or (self.parts.get(word.key[:-1]) if self._is_plural(word) else None)
        if part is None:
            return False
        if not word.is_capital:
            return word.key in self.as_written or (not part.is_ambiguous and len(word.key) > 2)
        if part.is_guess and _stands_in_a_heading(words, at):
            return False
        return not part.is_ambiguous or self._reads_as_a_name(words, at)

    def _is_plural(self, word: Word) -> bool:
        return word.is_capital and len(word.key) > 4 and word.key.endswith("s")

    def _stands_in_initials(self, words: Sequence[Word], at: int) -> bool:
        first = last = at
        while first > max(0, at - MOST_INITIALS) and _goes_on_in_initials(words, first):
            first -= 1
        while last + 1 < min(len(words), at + MOST_INITIALS) and _goes_on_in_initials(words, last + 1):
            last += 1
        return "".join(word.key for word in words[first : last + 1]) in self.initials

    def _reads_as_a_name(self, words: Sequence[Word], at: int) -> bool:
        """An ordinary word is the name inside a sentence, and at its start where somebody does something."""
        word = words[at]
        beside = [one for one in words[max(0, at - 1) : at + 2] if one is not word and one.is_capital]
        if any(one.key in self.parts and one.key not in NEVER_NAMES for one in beside):
            return True
        if word.is_shouted or (word.is_all_capitals and len(word.key) > 1) or is_month(words, at):
            return False
        if not word.starts_sentence or word.is_possessive:
            return True
        return is_followed_as_a_person(words, at)


def _goes_on_in_initials(words: Sequence[Word], at: int) -> bool:
    return words[at].is_initial and words[at].gap in {".", ". "} and words[at - 1].is_initial


def _stands_in_a_heading(words: Sequence[Word], at: int) -> bool:
    """Beside an ordinary word with a capital of its own, a capital is no sign of a name."""
    beside = [words[at - 1]] if at and words[at].gap == " " else []
    beside += [word for word in words[at + 1 : at + 2] if word.gap == " "]
    ordinary = [word for word in beside if word.key in LITTLE_WORDS or _is_of_a_heading(word)]
    return any(word.is_capital and not word.starts_sentence for word in ordinary)


def _is_of_a_heading(word: Word) -> bool:
    """Not "Lodge", which a name may stand before."""
    return is_common(word.key) and word.key not in LISTS["institutions"]


def _joined(words: Sequence[Word], hits: Sequence[bool]) -> Iterator[Span]:
    """Neighbouring parts are one name."""
    first: int | None = None
    for at, hit in enumerate([*hits, False]):
        if hit and first is None:
            first = at
        elif first is not None and not (hit and _belongs(words, at)):
            yield Span(words[first].start, words[at - 1].end, Kind.NAME)
            first = at if hit else None


def _belongs(words: Sequence[Word], at: int) -> bool:
    before = words[at - 1]
    gaps = {" ", "-", ".", ". "} if before.is_initial else {" ", "-", "_", "\n"}
    return words[at].gap in gaps and not before.is_possessive
