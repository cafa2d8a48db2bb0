"""Postal addresses: streets, apartments, ZIP codes, P.O. boxes, and cities of residence."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.phrase_matcher import PhraseMatcher
from scenarios.pii.vocabulary import (
    FUNCTION_WORDS,
    KNOWN_NAMES,
    MONTH_NAMES,
    NEVER_NAMES,
    WORD_LISTS,
    is_ambiguous,
    is_never_name,
)

ADDRESS_SYNONYMS = {
    **{"st": "street", "str": "street", "ave": "avenue", "av": "avenue", "rd": "road", "ln": "lane", "dr": "drive"},
    **{"blvd": "boulevard", "ct": "court", "pl": "place", "cir": "circle", "ter": "terrace", "pkwy": "parkway"},
    **{"hwy": "highway", "trl": "trail", "sq": "square", "apt": "apartment", "ste": "suite"},
    **{"n": "north", "s": "south", "e": "east", "w": "west"},
}
# A capitalized name with one of these suffixes is a street even without a house number.
DISTINCTIVE_SUFFIXES = frozenset({"street", "avenue", "road", "lane", "drive", "boulevard", "terrace", "parkway"})
STREET_SUFFIXES = DISTINCTIVE_SUFFIXES | {"court", "place", "circle", "highway", "trail", "square", "way", "loop"}
DIRECTIONS = WORD_LISTS["directions"]
# Ordinary words that are also street names, so that streets in lowercase are found, too.
STREET_WORDS = WORD_LISTS["street words"]
HOUSE_NUMBER = BoundedPattern(r"\d{1,6}[a-z]?")
ORDINAL = BoundedPattern(r"\d{1,3}(?:st|nd|rd|th)")
MAX_STREET_WORDS = 4  # longest street name

UNIT_NUMBER = BoundedPattern(
    r"\b(?:apartment|apt|unit|suite|ste|lot|trailer|room|rm|building|bldg)\b\.?\s?(?:number\s|no\.?\s|#\s?)?(?:[a-z]-?)?\d{1,5}[a-z]?\b",
    re.I,
)
# I-45, Route 130, Hwy. 9
ROAD = BoundedPattern(r"\b(?:(?-i:I)|route|rte|rt|hwy|highway|interstate)\b(?:-|\.? )\d{1,4}\b", re.I)
BOX = BoundedPattern(r"\bp\.?\s?o\.?\s?box\s{1,2}#?\d{1,7}\b", re.I)
STATE_CODES = "|".join(sorted(WORD_LISTS["state codes"])).upper()
STATES = "|".join(sorted(WORD_LISTS["states"])).title()
ZIP = BoundedPattern(
    rf"\b(?:{STATE_CODES}|{STATES})\.?,?\s{{1,2}}(?P<zip>\d{{5}}(?:-\d{{4}})?)\b"
    r"|\b(?i:zip(?: code)?(?: is|:)?)\s(?P<labeled>\d{5})\b"
)
STATE_AFTER = BoundedPattern(rf",\s(?:(?P<code>{STATE_CODES})|(?:New |North |South |West )?(?:{STATES}))\b")
RESIDENCE_CUE = BoundedPattern(
    r"\b(?:(?:lives?|lived|living|resid(?:es?|ed|ing)|born|raised|grew up|located|apartment|house|home|based)"
    r" (?:in|near|outside)"
    r"|(?:moved|relocated|moving) (?:to|from)|(?:is|am|was|are|were|'m|'s|calling|originally) from)\s",
    re.I,
)
IN = BoundedPattern(r"\b[Ii]n\s")
CITY_ENDINGS = WORD_LISTS["city endings"]
CITIES = WORD_LISTS["cities"]
MAX_CITY_WORDS = 4  # longest city name


def detect_addresses(normalized: NormalizedText) -> list[PIISpan]:
    spans = list(_find_streets(normalized.words))
    spans += [
        _span(match.start(), match.end())
        for pattern in (UNIT_NUMBER, ROAD, BOX)
        for match in pattern.finditer(normalized.plain)
    ]
    for match in ZIP.finditer(normalized.plain):
        name = "zip" if match["zip"] else "labeled"
        spans.append(_span(match.start(name), match.end(name)))
    return spans + list(_find_cities(normalized))


def match_addresses(identifiers: Iterable[SourceIdentifier], normalized: NormalizedText) -> list[PIISpan]:
    """Find the address or a distinctive part of it.

    Such parts are the street without its number, the name of the street, the city, and the unit.
    """
    phrases = PhraseMatcher(PIIKind.ADDRESS, ADDRESS_SYNONYMS)
    for identifier in identifiers:
        _add_variants(phrases, NormalizedText(identifier.text).words)
    return phrases.find(normalized)


def _add_variants(phrases: PhraseMatcher, words: Sequence[Word]) -> None:
    keys = [ADDRESS_SYNONYMS.get(word.key, word.key) for word in words]
    if "box" in keys:
        keys = keys[keys.index("box") :]
    is_street = len(keys) > 1 and keys[-1] in STREET_SUFFIXES
    phrases.add(keys)
    if is_street:
        without_number = keys[1:] if HOUSE_NUMBER.fullmatch(keys[0]) else keys
        phrases.add(without_number)
        without_direction = without_number[1:] if without_number[0] in DIRECTIONS else without_number
        if len(without_direction) > 1:
            phrases.add(without_direction)
            if not is_ambiguous(without_direction[0]):
                phrases.add(without_direction[:-1], needs_capital=True)


def _span(start: int, end: int) -> PIISpan:
    return PIISpan(start, end, PIIKind.ADDRESS)


def _find_streets(words: Sequence[Word]) -> Iterator[PIISpan]:
    for last, word in enumerate(words):
        if ADDRESS_SYNONYMS.get(word.key, word.key) not in STREET_SUFFIXES:
            continue
        name, number = _split_street(words, last)
        if name and number and _can_be_street(name, word):
            yield _span(number.start, word.end)
        elif name and word.is_capital and word.key in DISTINCTIVE_SUFFIXES and _is_street_name(name):
            yield _span(_trailing_capitalized(name)[0].start, word.end)


def _split_street(words: Sequence[Word], last: int) -> tuple[list[Word], Word | None]:
    """Return the name before a street suffix, and the house number before that name if there is one."""
    name: list[Word] = []
    for at in range(last, max(0, last - MAX_STREET_WORDS - 1), -1):
        if words[at].gap.strip(".") != " ":
            return name, None
        before = words[at - 1]
        if HOUSE_NUMBER.fullmatch(before.key) and name:
            return name, before
        if before.key.isdigit():
            return name, None
        name.insert(0, before)
    return name[1:], None


def _can_be_street(name: Sequence[Word], suffix: Word) -> bool:
    if all(word.is_capital or ORDINAL.fullmatch(word.key) for word in name):
        return True
    is_distinctive = ADDRESS_SYNONYMS.get(suffix.key, suffix.key) in DISTINCTIVE_SUFFIXES
    return is_distinctive and all(word.key in STREET_WORDS | DIRECTIONS or not is_never_name(word.key) for word in name)


def _is_street_name(name: Sequence[Word]) -> bool:
    capitalized = _trailing_capitalized(name)
    return bool(capitalized) and all(
        word.is_capital and word.key not in NEVER_NAMES - DIRECTIONS for word in capitalized
    )


def _trailing_capitalized(name: Sequence[Word]) -> list[Word]:
    """Return the capitalized words at the end of the name, stopping at a function word."""
    capitalized: list[Word] = []
    for word in reversed(name):
        if not word.is_capital or word.key in FUNCTION_WORDS:
            break
        capitalized.insert(0, word)
    return capitalized


def _find_cities(normalized: NormalizedText) -> Iterator[PIISpan]:
    starts = {word.start: position for position, word in enumerate(normalized.words)}
    for cue in (RESIDENCE_CUE, IN):
        for match in cue.finditer(normalized.plain):
            position = starts.get(match.end())
            run = _capitalized_run(normalized.words, position) if position is not None else []
            if _is_city(run, follows_residence_cue=cue is RESIDENCE_CUE):
                yield _span(run[0].start, run[-1].end)
    for match in STATE_AFTER.finditer(normalized.plain):
        run = _find_city_before(normalized, match)
        if run:
            yield _span(run[0].start, run[-1].end)


def _capitalized_run(words: Sequence[Word], first: int) -> list[Word]:
    run: list[Word] = []
    for word in words[first : first + MAX_CITY_WORDS]:
        belongs = word.is_capital and (not run or word.gap in {" ", "-", ". "})
        if not belongs or (word.key in NEVER_NAMES and word.key not in {"new", "st"}):
            break
        run.append(word)
        if word.is_possessive:
            break
    return run


def _is_city(run: Sequence[Word], follows_residence_cue: bool) -> bool:
    if not run or run[-1].is_possessive or run[0].is_in_all_caps_line or run[0].is_all_capitals:
        return False
    if len(run) > 1 and run[-1].key in CITY_ENDINGS:
        return True
    if all(is_never_name(word.key) or word.key in MONTH_NAMES for word in run):
        return False
    return follows_residence_cue or run[0].key not in KNOWN_NAMES or run[0].key in CITIES


def _find_city_before(normalized: NormalizedText, state: re.Match[str]) -> list[Word]:
    has_zip = bool(re.match(r"\.?,?\s{1,2}\d{5}\b", normalized.plain[state.end() : state.end() + 9]))
    if (state["code"] or "").lower() in WORD_LISTS["codes with another meaning"] and not has_zip:
        return []
    run: list[Word] = []
    at = _find_word_ending_at(normalized.words, state.start())
    while at is not None and at >= 0 and len(run) < MAX_CITY_WORDS:
        word = normalized.words[at]
        if (
            not word.is_capital
            or is_never_name(word.key)
            and word.key not in CITY_ENDINGS
            or ADDRESS_SYNONYMS.get(word.key) in STREET_SUFFIXES
        ):
            break
        run.insert(0, word)
        if word.gap != " ":
            break
        at -= 1
    return run


def _find_word_ending_at(words: Sequence[Word], end: int) -> int | None:
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        if words[middle].end < end:
            low = middle + 1
        else:
            high = middle
    return low if low < len(words) and words[low].end == end else None
