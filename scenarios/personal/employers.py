"""Employers, schools and institutions."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.phrases import Phrases
from scenarios.personal.reading import Reading, Word
from scenarios.personal.run_together import as_one_word, find_run_together
from scenarios.personal.vocabulary import (
    BRANDS,
    KNOWN_NAMES,
    LISTS,
    LITTLE_WORDS,
    NEVER_NAMES,
    is_ambiguous,
    is_no_name,
)

CUE = re.compile(
    r"\b(?:(?:works?|worked|working|employed|internship|interning|teaches|teaching|taught|studies|studying|student|enrolled|"
    r"hired|fired|laid off|nurse|teacher|manager|cashier|driver|shifts?|jobs?|career)"
    r"(?: (?:full|part)[- ]time| there| nights| days)? (?:at|for|by|from|with)"
    r"|(?:employer|workplace|school|company)(?:'s)?(?: name)?(?: is|:)"
    r"|attends|attended|attending|graduated from|(?:goes|went|going) to (?:school|college|work) at|classes at)"
    r"\s(?:the )?",
    re.IGNORECASE,
)
# 2nd Battalion 7th Marines, Local 1290
CORPS = r"battalion|brigade|division|regiment|marines|infantry|airborne|cavalry|squadron|armored|fleet"
NUMBERED = re.compile(
    rf"\b(?i:\d{{1,3}}(?:st|nd|rd|th) (?:{CORPS}))\b"
    r"|\b(?:Station|STATION|Engine|Ladder|Local|LOCAL|Precinct|Troop|Squad) #?\d{1,5}\b"
)
CONNECTORS = frozenset({"of", "and", "the", "for", "de"})
LEGAL = LISTS["legal forms"]
ENDINGS = LEGAL | LISTS["institutions"]
GENERIC = ENDINGS | LISTS["generic"]
DIRECTIONS = LISTS["directions"] | {"northern", "southern", "eastern", "western"}
LONGEST = 6
SMALL_RUN = 3
SHORTEST_ACRONYM = 3
BEFORE_A_PLACE = frozenset({"at", "for", "from", "with", "by", "in", "near", "outside", "to", "of", "the"})
NO_EMPLOYER = NEVER_NAMES | GENERIC | DIRECTIONS | LISTS["states"] | LISTS["street words"]


def employers_in(reading: Reading) -> list[Span]:
    numbered = [Span(match.start(), match.end(), Kind.EMPLOYER) for match in NUMBERED.finditer(reading.plain)]
    return [*numbered, *_cued(reading), *_ending_like_one(reading.words)]


def find_employers(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """The whole name, the name without its legal form, its first word, and each word of it that is no ordinary one."""
    phrases = Phrases(Kind.EMPLOYER, {})
    first_words: set[str] = set()
    run_together: set[str] = set()
    for identifier in identifiers:
        keys = [word.key for word in Reading(identifier.text).words]
        _add(phrases, keys)
        if len(keys) > 1:
            first_words |= {keys[0]} - NO_EMPLOYER
        run_together |= as_one_word(keys) | as_one_word(_without(LEGAL, keys)) | as_one_word(_without(ENDINGS, keys))
    short = _by_first_word(first_words, reading.words)
    return [*phrases.find(reading), *short, *find_run_together(run_together, reading, Kind.EMPLOYER)]


def _add(phrases: Phrases, keys: Sequence[str]) -> None:
    phrases.add(keys)
    own = _without(LEGAL, keys)
    phrases.add(own)
    phrases.add(_initials(keys), needs_capital=True)
    named = _without(ENDINGS, keys)
    if not GENERIC.union(NEVER_NAMES).issuperset(named):
        phrases.add(named, needs_capital=named != keys)
    for key in keys:
        if len(key) > 2 and key not in GENERIC and not is_ambiguous(key):
            # What an employer does comes last, as in Frobnitz Foundry.
            phrases.add([key], needs_capital=len(own) > 1 and key == own[-1])


def _by_first_word(first_words: set[str], words: Sequence[Word]) -> Iterator[Span]:
    """As in "a nurse at Banner" for Banner Desert Hospital; not in a heading, where "Banner" may be any banner."""
    for before, word in pairwise(words):
        is_place = before.key in BEFORE_A_PLACE and not before.is_capital and word.gap == " "
        if is_place and word.key in first_words and word.is_capital and not word.is_shouted:
            yield Span(word.start, word.end, Kind.EMPLOYER)


def _initials(keys: Sequence[str]) -> Sequence[str]:
    """The University of Arkansas Fayetteville is UAF, unless that says something else."""
    initials = "".join(key[0] for key in keys if key not in CONNECTORS)
    return [initials] if len(initials) >= SHORTEST_ACRONYM and not is_no_name(initials) else []


def _without(endings: frozenset[str], keys: Sequence[str]) -> Sequence[str]:
    while len(keys) > 1 and keys[-1] in endings:
        keys = keys[:-1]
    return keys


def _cued(reading: Reading) -> Iterator[Span]:
    starts = {word.start: position for position, word in enumerate(reading.words)}
    for match in CUE.finditer(reading.plain):
        position = starts.get(match.end())
        if position is None:
            continue
        first = reading.words[position]
        run = _capital_run(reading.words, position) if first.is_capital else _small_run(reading.words, position)
        if run and not _is_somebody(run):
            yield Span(run[0].start, run[-1].end, Kind.EMPLOYER)


def _capital_run(words: Sequence[Word], first: int) -> list[Word]:
    if words[first].key in NEVER_NAMES - BRANDS and not _goes_on(words, first):
        return []
    run = [words[first]]
    for at in range(first + 1, min(first + LONGEST, len(words))):
        word = words[at]
        joins_on = _joins(word) and (word.is_capital or _is_connector(words, at))
        if word.starts_sentence or not (joins_on or word.key in LEGAL) or run[-1].is_possessive and not word.is_capital:
            break
        run.append(word)
    return run


def _goes_on(words: Sequence[Word], first: int) -> bool:
    """As in "Arizona Daily Courier", which begins with a word that by itself is no employer."""
    return words[first].key not in LITTLE_WORDS and _leads_to_a_capital(words, first)


def _is_connector(words: Sequence[Word], at: int) -> bool:
    return words[at].key in CONNECTORS and _leads_to_a_capital(words, at)


def _leads_to_a_capital(words: Sequence[Word], at: int) -> bool:
    return at + 1 < len(words) and words[at + 1].is_capital and words[at + 1].gap == " "


def _joins(word: Word) -> bool:
    return word.gap in {" ", "-", " & ", "&", ". "} or (word.gap == ", " and word.key in LEGAL)


def _small_run(words: Sequence[Word], first: int) -> list[Word]:
    """Up to three words in small letters, of which one at least is no ordinary word."""
    run: list[Word] = []
    for word in words[first : first + SMALL_RUN]:
        if word.key in LITTLE_WORDS or (run and word.gap not in {" ", "-", " & "}):
            break
        run.append(word)
    is_named = any(not is_no_name(word.key) and not word.key.isdigit() for word in run)
    return run if is_named and not any(character.isdigit() for character in run[0].key) else []


def _is_somebody(run: Sequence[Word]) -> bool:
    """A person, whom the names find: "She works for Kevin"."""
    return all(word.key in KNOWN_NAMES for word in run)


def _ending_like_one(words: Sequence[Word]) -> Iterator[Span]:
    for at, word in enumerate(words):
        if word.key in ENDINGS and (word.is_capital or word.key in LEGAL):
            first = _beginning(words, at)
            last = _of_somewhere(words, at)
            own = [found for found in words[first : last + 1] if found.key not in GENERIC | LITTLE_WORDS]
            if own:
                yield Span(words[first].start, words[last].end, Kind.EMPLOYER)


def _beginning(words: Sequence[Word], last: int) -> int:
    first = last
    while first > 0 and last - first < LONGEST and _joins(words[first]) and not words[first].starts_sentence:
        before = words[first - 1]
        is_another = words[first].key == "and" and before.key in ENDINGS
        if is_another or not (before.is_capital or _is_connector(words, first - 1)):
            break
        first -= 1
    while first < last and (not words[first].is_capital or words[first].key in LITTLE_WORDS):
        first += 1
    return first


def _of_somewhere(words: Sequence[Word], last: int) -> int:
    """University of Arizona"""
    preposition = words[last + 1] if last + 1 < len(words) else None
    if not (preposition and preposition.key in {"of", "at"} and preposition.gap == " "):
        return last
    if not _leads_to_a_capital(words, last + 1):
        return last
    last += 2
    while last + 1 < len(words) and words[last + 1].is_capital and words[last + 1].gap in {" ", "-"}:
        last += 1
    return last
