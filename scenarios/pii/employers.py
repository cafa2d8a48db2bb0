"""Employers, schools, and institutions."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.joined_words import join_words, match_joined_words
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.phrase_matcher import PhraseMatcher
from scenarios.pii.vocabulary import (
    BRANDS,
    FUNCTION_WORDS,
    KNOWN_NAMES,
    NEVER_NAMES,
    WORD_LISTS,
    is_ambiguous,
    is_never_name,
)

EMPLOYER_CUE = BoundedPattern(
    r"\b(?:(?:works?|worked|working|employed|internship|interning|teaches|teaching|taught|studies|studying|student|enrolled|"
    r"hired|fired|laid off|nurse|teacher|manager|cashier|driver|shifts?|jobs?|career)"
    r"(?: (?:full|part)[- ]time| there| nights| days)? (?:at|for|by|from|with)"
    r"|(?:employer|workplace|school|company)(?:'s)?(?: name)?(?: is|:)"
    r"|attends|attended|attending|graduated from|(?:goes|went|going) to (?:school|college|work) at|classes at)"
    r"\s(?:the )?",
    re.IGNORECASE,
)
# Such as 2nd Battalion 7th Marines, Local 1290
MILITARY_UNITS = r"battalion|brigade|division|regiment|marines|infantry|airborne|cavalry|squadron|armored|fleet"
NUMBERED = BoundedPattern(
    rf"\b(?i:\d{{1,3}}(?:st|nd|rd|th) (?:{MILITARY_UNITS}))\b"
    r"|\b(?:Station|STATION|Engine|Ladder|Local|LOCAL|Precinct|Troop|Squad) #?\d{1,5}\b"
)
CONNECTORS = frozenset({"of", "and", "the", "for", "de"})
LEGAL_FORMS = WORD_LISTS["legal forms"]
INSTITUTION_ENDINGS = LEGAL_FORMS | WORD_LISTS["institutions"]
GENERIC_WORDS = INSTITUTION_ENDINGS | WORD_LISTS["generic"]
DIRECTIONS = WORD_LISTS["directions"] | {"northern", "southern", "eastern", "western"}
MAX_WORDS = 6  # words of a capitalized name
MAX_LOWERCASE_WORDS = 3  # words of a lowercase name
MIN_ACRONYM_LETTERS = 3  # letters
PLACE_PREPOSITIONS = frozenset({"at", "for", "from", "with", "by", "in", "near", "outside", "to", "of", "the"})
NON_EMPLOYER_WORDS = NEVER_NAMES | GENERIC_WORDS | DIRECTIONS | WORD_LISTS["states"] | WORD_LISTS["street words"]


def detect_employers(normalized: NormalizedText) -> list[PIISpan]:
    numbered = [PIISpan(match.start(), match.end(), PIIKind.EMPLOYER) for match in NUMBERED.finditer(normalized.plain)]
    return [*numbered, *_find_after_cue(normalized), *_find_by_ending(normalized.words)]


def match_employers(identifiers: Iterable[SourceIdentifier], normalized: NormalizedText) -> list[PIISpan]:
    """Find the whole name, the name without its legal form, its first word, and each of its uncommon words."""
    phrases = PhraseMatcher(PIIKind.EMPLOYER, {})
    first_words: set[str] = set()
    joined_keys: set[str] = set()
    for identifier in identifiers:
        keys = [word.key for word in NormalizedText(identifier.text).words]
        _add_variants(phrases, keys)
        if len(keys) > 1:
            first_words |= {keys[0]} - NON_EMPLOYER_WORDS
        joined_keys |= (
            join_words(keys)
            | join_words(_strip_endings(LEGAL_FORMS, keys))
            | join_words(_strip_endings(INSTITUTION_ENDINGS, keys))
        )
    by_first_word = _find_by_first_word(first_words, normalized.words)
    return [*phrases.find(normalized), *by_first_word, *match_joined_words(joined_keys, normalized, PIIKind.EMPLOYER)]


def _add_variants(phrases: PhraseMatcher, keys: Sequence[str]) -> None:
    phrases.add(keys)
    without_legal_form = _strip_endings(LEGAL_FORMS, keys)
    phrases.add(without_legal_form)
    phrases.add(_initials(keys), needs_capital=True)
    distinctive = _strip_endings(INSTITUTION_ENDINGS, keys)
    if not GENERIC_WORDS.union(NEVER_NAMES).issuperset(distinctive):
        phrases.add(distinctive, needs_capital=distinctive != keys)
    for key in keys:
        if len(key) > 2 and key not in GENERIC_WORDS and not is_ambiguous(key):
            # The last word is often the line of business, as in Frobnitz Foundry.
            phrases.add([key], needs_capital=len(without_legal_form) > 1 and key == without_legal_form[-1])


def _find_by_first_word(first_words: set[str], words: Sequence[Word]) -> Iterator[PIISpan]:
    """Yield "Banner" in "a nurse at Banner" for Banner Desert Hospital.

    Skip lines in all caps, where a capital letter does not mark a name.
    """
    for before, word in pairwise(words):
        is_place = before.key in PLACE_PREPOSITIONS and not before.is_capital and word.gap == " "
        if is_place and word.key in first_words and word.is_capital and not word.is_in_all_caps_line:
            yield PIISpan(word.start, word.end, PIIKind.EMPLOYER)


def _initials(keys: Sequence[str]) -> Sequence[str]:
    """Return UAF for University of Arkansas Fayetteville, unless the initials spell an ordinary word."""
    initials = "".join(key[0] for key in keys if key not in CONNECTORS)
    return [initials] if len(initials) >= MIN_ACRONYM_LETTERS and not is_never_name(initials) else []


def _strip_endings(endings: frozenset[str], keys: Sequence[str]) -> Sequence[str]:
    while len(keys) > 1 and keys[-1] in endings:
        keys = keys[:-1]
    return keys


def _find_after_cue(normalized: NormalizedText) -> Iterator[PIISpan]:
    starts = {word.start: position for position, word in enumerate(normalized.words)}
    for match in EMPLOYER_CUE.finditer(normalized.plain):
        position = starts.get(match.end())
        if position is None:
            continue
        first = normalized.words[position]
        find_run = _capital_run if first.is_capital else _lowercase_run
        run = find_run(normalized.words, position)
        if run and not _is_person(run):
            yield PIISpan(run[0].start, run[-1].end, PIIKind.EMPLOYER)


def _capital_run(words: Sequence[Word], first: int) -> list[Word]:
    if words[first].key in NEVER_NAMES - BRANDS and not _continues_with_capital(words, first):
        return []
    run = [words[first]]
    for at in range(first + 1, min(first + MAX_WORDS, len(words))):
        word = words[at]
        belongs = _is_joined(word) and (word.is_capital or _is_connector(words, at))
        if (
            word.starts_sentence
            or not (belongs or word.key in LEGAL_FORMS)
            or run[-1].is_possessive
            and not word.is_capital
        ):
            break
        run.append(word)
    return run


def _continues_with_capital(words: Sequence[Word], first: int) -> bool:
    """Return True for "Arizona Daily Courier", which starts with a word that is not an employer on its own."""
    return words[first].key not in FUNCTION_WORDS and _precedes_capital(words, first)


def _is_connector(words: Sequence[Word], at: int) -> bool:
    return words[at].key in CONNECTORS and _precedes_capital(words, at)


def _precedes_capital(words: Sequence[Word], at: int) -> bool:
    return at + 1 < len(words) and words[at + 1].is_capital and words[at + 1].gap == " "


def _is_joined(word: Word) -> bool:
    return word.gap in {" ", "-", " & ", "&", ". "} or (word.gap == ", " and word.key in LEGAL_FORMS)


def _lowercase_run(words: Sequence[Word], first: int) -> list[Word]:
    """Return up to three lowercase words, at least one of which is uncommon."""
    run: list[Word] = []
    for word in words[first : first + MAX_LOWERCASE_WORDS]:
        if word.key in FUNCTION_WORDS or (run and word.gap not in {" ", "-", " & "}):
            break
        run.append(word)
    has_uncommon_word = any(not is_never_name(word.key) and not word.key.isdigit() for word in run)
    return run if has_uncommon_word and not any(character.isdigit() for character in run[0].key) else []


def _is_person(run: Sequence[Word]) -> bool:
    """Return True for a person, as in "She works for Kevin". The name search finds people."""
    return all(word.key in KNOWN_NAMES for word in run)


def _find_by_ending(words: Sequence[Word]) -> Iterator[PIISpan]:
    for at, word in enumerate(words):
        if word.key in INSTITUTION_ENDINGS and (word.is_capital or word.key in LEGAL_FORMS):
            first = _find_start(words, at)
            last = _extend_over_place(words, at)
            distinctive_words = [
                found for found in words[first : last + 1] if found.key not in GENERIC_WORDS | FUNCTION_WORDS
            ]
            if distinctive_words:
                yield PIISpan(words[first].start, words[last].end, PIIKind.EMPLOYER)


def _find_start(words: Sequence[Word], last: int) -> int:
    first = last
    while first > 0 and last - first < MAX_WORDS and _is_joined(words[first]) and not words[first].starts_sentence:
        before = words[first - 1]
        is_another = words[first].key == "and" and before.key in INSTITUTION_ENDINGS
        if is_another or not (before.is_capital or _is_connector(words, first - 1)):
            break
        first -= 1
    while first < last and (not words[first].is_capital or words[first].key in FUNCTION_WORDS):
        first += 1
    return first


def _extend_over_place(words: Sequence[Word], last: int) -> int:
    """Return the index of the last word, after adding a place such as "of Arizona" to "University"."""
    preposition = words[last + 1] if last + 1 < len(words) else None
    if not (preposition and preposition.key in {"of", "at"} and preposition.gap == " "):
        return last
    if not _precedes_capital(words, last + 1):
        return last
    last += 2
    while last + 1 < len(words) and words[last + 1].is_capital and words[last + 1].gap in {" ", "-"}:
        last += 1
    return last
