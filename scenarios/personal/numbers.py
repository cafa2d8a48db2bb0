"""Telephone, account, member, case and social security numbers."""

import re
from collections.abc import Iterable, Iterator

from scenarios.personal.dates import dates_in
from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.reading import Reading
from scenarios.personal.vocabulary import LISTS, is_no_name

MINIMUM = 5
LONGEST = 24
GROUP = re.compile(r"\d+")
JOINTS = frozenset({" ", "-", ".", ")", ") ", ")-", " (", "(", "-(", " - ", " -", "- ", ". ("})
PIECE = re.compile(r"[A-Za-z0-9]+")
TOKEN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
QUANTITY = re.compile(
    r"\s?(?:%|dollars?|bucks|usd|cents|people|members|callers|calls|steps|miles|km|mg|mcg|ml|grams?|hours?|minutes?|days?"
    r"|years?|times|words|characters|feet|ft|lbs?|pounds|percent|st|nd|rd|th)\b",
    re.IGNORECASE,
)
MONEY = re.compile(r"[$\u20ac\u00a3]\s?$")
LABELLED = re.compile(
    r"\b(?:member|case|account|acct|policy|ticket|badge|claim|reference|ref|confirmation|record|chart|mrn|patient|client|"
    r"employee|license|licence|plate|invoice|group|passport|extension|ext|pin|ssn|id|incident|report)\b\.?"
    r"(?P<mark>(?:\s(?:id|number|no|num|nr)\b\.?)?(?:\s(?:is|was)\b)?\s?[:#]{0,2}\s?)"
    r"(?P<value>(?:(?-i:[A-Z]{1,4}) |[A-Za-z]{1,4}-?)?\d[\dA-Za-z-]{0,20})",
    re.IGNORECASE,
)
# A short account number is the client's, as in "account 717".
OF_A_CLIENT = re.compile(r"acc(?:oun)?t\b", re.IGNORECASE)
MARK = re.compile(r"[:#]|\b(?:id|no|num|nr|number)\b", re.IGNORECASE)
LAST_FOUR = re.compile(
    r"\b(?:last (?:four|4)\b[^.\d\n]{0,30}|ending (?:in|with) |ends in )(?P<value>\d{4})\b", re.IGNORECASE
)
PLATE = re.compile(
    r"\b(?:plates?|plt|tags?|licen[cs]e)\b\.?(?: (?:number|no|is|was)\b\.?| #)*:? "
    r"(?P<value>[a-z0-9]{2,4}[ -]?[a-z0-9]{2,4})\b",
    re.IGNORECASE,
)
# What stands before the digits and belongs to them: BXK 4471 9023 6
PREFIX = re.compile(r"\b[A-Z]{1,4}[ -]$")
SAID = {
    **{"oh": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"},
    **{"six": "6", "seven": "7", "eight": "8", "nine": "9"},
}
SPOKEN = re.compile(rf"\b(?:{'|'.join(SAID)})(?:[ ,-]{{1,3}}(?:{'|'.join(SAID)})){{6,14}}\b", re.IGNORECASE)
YEAR = re.compile(r"(?:19|20)\d\d")
# Lines that anybody may call
PUBLIC = LISTS["public lines"]


def numbers_in(reading: Reading) -> list[Span]:
    spans = [span for span in _long_numbers(reading) if _squeeze(reading.plain[span.start : span.end]) not in PUBLIC]
    spans += [_at(match) for match in LABELLED.finditer(reading.plain) if _is_number_of_somebody(match)]
    spans += [_at(match) for match in LAST_FOUR.finditer(reading.plain)]
    spans += [_at(match) for match in SPOKEN.finditer(reading.plain)]
    spans += [_value(match) for match in PLATE.finditer(reading.plain) if _is_plate(match["value"])]
    return spans


def find_numbers(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """The same digits, however grouped; a short number behind any label; four digits also by themselves."""
    wanted = {key for identifier in identifiers for key in _keys_of(Reading(identifier.text).plain, identifier.kind)}
    if not wanted:
        return []
    long_ones = {key for key in wanted if _is_telling(key)}
    short = wanted - long_ones
    endings = short | {key[-4:] for key in long_ones}
    spans = list(_windows(reading, long_ones))
    spans += [_at(match) for match in SPOKEN.finditer(reading.plain) if long_ones & _keys_of(match[0])]
    spans += [_at(match) for match in TOKEN.finditer(reading.plain) if _is_plain_four(match[0]) and match[0] in short]
    spans += [_at(match) for match in LABELLED.finditer(reading.plain) if _squeeze(match["value"]) in short]
    spans += [_at(match) for match in LAST_FOUR.finditer(reading.plain) if match["value"] in endings]
    return spans


def _long_numbers(reading: Reading) -> Iterator[Span]:
    """Runs of at least five digits, and words of letters and digits with as many."""
    full_dates = (found for found in dates_in(reading) if not found.is_bare)
    dated = {position for found in full_dates for position in range(found.start, found.end)}
    for run in _runs(reading):
        start, end = run[0].start(), run[-1].end()
        if start not in dated and _is_long(reading, run):
            yield _with_brackets(reading, _with_prefix(reading, start), end)
    for match in TOKEN.finditer(reading.plain):
        if match.start() not in dated and _is_code(match[0]):
            yield _at(match)


def _runs(reading: Reading) -> Iterator[list[re.Match[str]]]:
    """Groups of digits that are written as one number."""
    run: list[re.Match[str]] = []
    for group in GROUP.finditer(reading.plain):
        if run and reading.plain[run[-1].end() : group.start()] not in JOINTS:
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _is_long(reading: Reading, run: list[re.Match[str]]) -> bool:
    groups = [group[0] for group in run]
    if sum(len(group) for group in groups) < MINIMUM or all(YEAR.fullmatch(group) for group in groups):
        return False
    plain = reading.plain
    before, after = plain[max(0, run[0].start() - 2) : run[0].start()], plain[run[-1].end() : run[-1].end() + 12]
    return not (MONEY.search(before) or (len(run) == 1 and QUANTITY.match(after)))


def _windows(reading: Reading, wanted: set[str]) -> Iterator[Span]:
    """Every stretch of neighbouring letters and digits that together are wanted."""
    pieces = list(PIECE.finditer(reading.plain))
    for first, piece in enumerate(pieces):
        if _tail(piece[0]) in wanted:
            yield _with_brackets(reading, piece.start(), piece.end())
        key, end = "", piece.start()
        for last in pieces[first : first + LONGEST]:
            key += last[0].casefold()
            if len(key) > LONGEST or (end > piece.start() and reading.plain[end : last.start()] not in JOINTS):
                break
            end = last.end()
            if key in wanted or _without_country(key) in wanted:
                yield _with_brackets(reading, piece.start(), end)


def _keys_of(text: str, kind: Kind = Kind.NUMBER) -> set[str]:
    """What to compare: the digits, a telephone number without country and area, a mixed number without hyphens."""
    if kind is Kind.ADDRESS:
        return {group for group in GROUP.findall(text) if len(group) >= MINIMUM}
    label = LABELLED.match(text) or LAST_FOUR.fullmatch(text)
    text = text[label.start("value") :] if label else text
    if SPOKEN.fullmatch(text):
        text = "".join(SAID[word.casefold()] for word in PIECE.findall(text))
    squeezed = _squeeze(text)
    telling = MINIMUM - 1 if label else MINIMUM
    keys = {squeezed, *(group for group in GROUP.findall(text) if len(group) >= telling)}
    digits = re.sub(r"\D", "", text)
    if len(digits) >= MINIMUM:
        keys |= {digits, _without_country(digits)}
    if squeezed.isdigit():
        keys.add(_tail(squeezed))
    return keys - {""}


def _without_country(digits: str) -> str:
    return digits[1:] if len(digits) == 11 and digits.isdigit() and digits[0] == "1" else digits


def _tail(digits: str) -> str:
    return digits[-7:] if len(digits) in {10, 11} and digits.isdigit() else digits


def _is_number_of_somebody(match: re.Match[str]) -> bool:
    value = match["value"]
    if value in PUBLIC or _digits(value) < 2 or _is_measure(value):
        return False
    if OF_A_CLIENT.match(match[0]):
        return _digits(value) >= MINIMUM
    if MARK.search(match["mark"]):
        return True
    return _digits(value) >= 3 and not YEAR.fullmatch(value)


def _is_measure(text: str) -> bool:
    """10000mg, 1980s, 10th"""
    return bool(re.fullmatch(r"\d+(?:mg|mcg|ml|k|s|st|nd|rd|th|am|pm|lbs?|ft|km|yo|y)", text, re.IGNORECASE))


def _is_code(text: str) -> bool:
    """AB-20391-X, or in capitals BXJ7741"""
    squeezed = _squeeze(text)
    enough = 3 if text.isupper() and len(squeezed) - _digits(squeezed) > 1 and len(squeezed) > MINIMUM else MINIMUM
    return not squeezed.isdigit() and _digits(squeezed) >= enough and not _is_measure(text)


def _is_plate(text: str) -> bool:
    return _is_telling(_squeeze(text)) and not any(is_no_name(piece.casefold()) for piece in PIECE.findall(text))


def _is_telling(key: str) -> bool:
    """Whether it can be nothing else wherever it stands."""
    digits = _digits(key)
    return digits >= MINIMUM or (len(key) >= MINIMUM and digits > 1 and len(key) - digits > 1)


def _is_plain_four(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and not YEAR.fullmatch(text)


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _with_prefix(reading: Reading, start: int) -> int:
    prefix = PREFIX.search(reading.plain, max(0, start - 6), start)
    if not prefix:
        return start
    word = prefix[0][:-1].casefold()
    is_word = len(word) > 1 and (is_no_name(word) or word in LISTS["state codes"])
    return start if is_word else prefix.start()


def _with_brackets(reading: Reading, start: int, end: int) -> Span:
    """(602) 555-0142 begins at its bracket, +1 at its plus."""
    before = reading.plain[max(0, start - 1) : start]
    opens = before == "+" or (before == "(" and ")" in reading.plain[start:end])
    return Span(start - opens, end, Kind.NUMBER)


def _at(match: re.Match[str]) -> Span:
    return Span(match.start(), match.end(), Kind.NUMBER)


def _value(match: re.Match[str]) -> Span:
    return Span(*match.span("value"), Kind.NUMBER)
