"""Postal addresses: streets, apartments, ZIP codes, boxes, and the cities people live in."""

import re
from collections.abc import Iterable, Iterator, Sequence

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.phrases import Phrases
from scenarios.personal.reading import Reading, Word
from scenarios.personal.vocabulary import (
    KNOWN_NAMES,
    LISTS,
    LITTLE_WORDS,
    MONTH_NAMES,
    NEVER_NAMES,
    is_ambiguous,
    is_no_name,
)

ALIKE = {
    **{"st": "street", "str": "street", "ave": "avenue", "av": "avenue", "rd": "road", "ln": "lane", "dr": "drive"},
    **{"blvd": "boulevard", "ct": "court", "pl": "place", "cir": "circle", "ter": "terrace", "pkwy": "parkway"},
    **{"hwy": "highway", "trl": "trail", "sq": "square", "apt": "apartment", "ste": "suite"},
    **{"n": "north", "s": "south", "e": "east", "w": "west"},
}
# These make a street of a capitalised name even where no house number stands before it.
STREETS = frozenset({"street", "avenue", "road", "lane", "drive", "boulevard", "terrace", "parkway"})
SUFFIXES = STREETS | {"court", "place", "circle", "highway", "trail", "square", "way", "loop"}
DIRECTIONS = LISTS["directions"]
# Ordinary words that streets are called by, so that small letters do not hide them.
STREET_WORDS = LISTS["street words"]
HOUSE_NUMBER = re.compile(r"\d{1,6}[a-z]?")
ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th)")
STREET_LENGTH = 4

DOOR = re.compile(
    r"\b(?:apartment|apt|unit|suite|ste|lot|trailer|room|rm|building|bldg)\b\.?\s?(?:number\s|no\.?\s|#\s?)?(?:[a-z]-?)?\d{1,5}[a-z]?\b",
    re.I,
)
# I-45, Route 130, Hwy. 9
ROAD = re.compile(r"\b(?:(?-i:I)|route|rte|rt|hwy|highway|interstate)\b(?:-|\.? )\d{1,4}\b", re.I)
BOX = re.compile(r"\bp\.?\s?o\.?\s?box\s{1,2}#?\d{1,7}\b", re.I)
STATE_CODES = "|".join(sorted(LISTS["state codes"])).upper()
STATES = "|".join(sorted(LISTS["states"])).title()
ZIP = re.compile(
    rf"\b(?:{STATE_CODES}|{STATES})\.?,?\s{{1,2}}(?P<zip>\d{{5}}(?:-\d{{4}})?)\b"
    r"|\b(?i:zip(?: code)?(?: is|:)?)\s(?P<said>\d{5})\b"
)
STATE_AFTER = re.compile(rf",\s(?:(?P<code>{STATE_CODES})|(?:New |North |South |West )?(?:{STATES}))\b")
SETTLED = re.compile(
    r"\b(?:(?:lives?|lived|living|resid(?:es?|ed|ing)|born|raised|grew up|located|apartment|house|home|based)"
    r" (?:in|near|outside)"
    r"|(?:moved|relocated|moving) (?:to|from)|(?:is|am|was|are|were|'m|'s|calling|originally) from)\s",
    re.I,
)
IN = re.compile(r"\b[Ii]n\s")
CITY_ENDINGS = LISTS["city endings"]
CITIES = LISTS["cities"]
CITY_LENGTH = 4


def places_in(reading: Reading) -> list[Span]:
    spans = list(_streets(reading.words))
    spans += [
        _span(match.start(), match.end()) for pattern in (DOOR, ROAD, BOX) for match in pattern.finditer(reading.plain)
    ]
    for match in ZIP.finditer(reading.plain):
        name = "zip" if match["zip"] else "said"
        spans.append(_span(match.start(name), match.end(name)))
    return spans + list(_cities(reading))


def find_places(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """An address or what is left of it: the street without its number, the street's own name, the city, the door."""
    phrases = Phrases(Kind.ADDRESS, ALIKE)
    for identifier in identifiers:
        _add(phrases, Reading(identifier.text).words)
    return phrases.find(reading)


def _add(phrases: Phrases, words: Sequence[Word]) -> None:
    keys = [ALIKE.get(word.key, word.key) for word in words]
    if "box" in keys:
        keys = keys[keys.index("box") :]
    is_street = len(keys) > 1 and keys[-1] in SUFFIXES
    phrases.add(keys)
    if is_street:
        own = keys[1:] if HOUSE_NUMBER.fullmatch(keys[0]) else keys
        phrases.add(own)
        named = own[1:] if own[0] in DIRECTIONS else own
        if len(named) > 1:
            phrases.add(named)
            if not is_ambiguous(named[0]):
                phrases.add(named[:-1], needs_capital=True)


def _span(start: int, end: int) -> Span:
    return Span(start, end, Kind.ADDRESS)


def _streets(words: Sequence[Word]) -> Iterator[Span]:
    for last, word in enumerate(words):
        if ALIKE.get(word.key, word.key) not in SUFFIXES:
            continue
        name, number = _before(words, last)
        if name and number and _can_be_street(name, word):
            yield _span(number.start, word.end)
        elif name and word.is_capital and word.key in STREETS and _is_called(name):
            yield _span(_without_little(name)[0].start, word.end)


def _before(words: Sequence[Word], last: int) -> tuple[list[Word], Word | None]:
    """The name before a suffix, and the house number before the name if one stands there."""
    name: list[Word] = []
    for at in range(last, max(0, last - STREET_LENGTH - 1), -1):
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
    is_usual = ALIKE.get(suffix.key, suffix.key) in STREETS
    return is_usual and all(word.key in STREET_WORDS | DIRECTIONS or not is_no_name(word.key) for word in name)


def _is_called(name: Sequence[Word]) -> bool:
    own = _without_little(name)
    return bool(own) and all(word.is_capital and word.key not in NEVER_NAMES - DIRECTIONS for word in own)


def _without_little(name: Sequence[Word]) -> list[Word]:
    """From the last word in small letters, or the little word at a sentence's start, on."""
    own: list[Word] = []
    for word in reversed(name):
        if not word.is_capital or word.key in LITTLE_WORDS:
            break
        own.insert(0, word)
    return own


def _cities(reading: Reading) -> Iterator[Span]:
    starts = {word.start: position for position, word in enumerate(reading.words)}
    for cue in (SETTLED, IN):
        for match in cue.finditer(reading.plain):
            position = starts.get(match.end())
            run = _capitalised(reading.words, position) if position is not None else []
            if _is_city(run, is_settled=cue is SETTLED):
                yield _span(run[0].start, run[-1].end)
    for match in STATE_AFTER.finditer(reading.plain):
        run = _city_before(reading, match)
        if run:
            yield _span(run[0].start, run[-1].end)


def _capitalised(words: Sequence[Word], first: int) -> list[Word]:
    run: list[Word] = []
    for word in words[first : first + CITY_LENGTH]:
        belongs = word.is_capital and (not run or word.gap in {" ", "-", ". "})
        if not belongs or (word.key in NEVER_NAMES and word.key not in {"new", "st"}):
            break
        run.append(word)
        if word.is_possessive:
            break
    return run


def _is_city(run: Sequence[Word], is_settled: bool) -> bool:
    if not run or run[-1].is_possessive or run[0].is_shouted or run[0].is_all_capitals:
        return False
    if len(run) > 1 and run[-1].key in CITY_ENDINGS:
        return True
    if all(is_no_name(word.key) or word.key in MONTH_NAMES for word in run):
        return False
    return is_settled or run[0].key not in KNOWN_NAMES or run[0].key in CITIES


def _city_before(reading: Reading, state: re.Match[str]) -> list[Word]:
    has_zip = bool(re.match(r"\.?,?\s{1,2}\d{5}\b", reading.plain[state.end() : state.end() + 9]))
    if (state["code"] or "").lower() in LISTS["codes with another meaning"] and not has_zip:
        return []
    run: list[Word] = []
    at = _ending_at(reading.words, state.start())
    while at is not None and at >= 0 and len(run) < CITY_LENGTH:
        word = reading.words[at]
        if (
            not word.is_capital
            or is_no_name(word.key)
            and word.key not in CITY_ENDINGS
            or ALIKE.get(word.key) in SUFFIXES
        ):
            break
        run.insert(0, word)
        if word.gap != " ":
            break
        at -= 1
    return run


def _ending_at(words: Sequence[Word], end: int) -> int | None:
    low, high = 0, len(words)
    while low < high:
        middle = (low + high) // 2
        if words[middle].end < end:
            low = middle + 1
        else:
            high = middle
    return low if low < len(words) and words[low].end == end else None
