"""Phone, account, member, case, and Social Security numbers."""

import re
from collections.abc import Iterable, Iterator

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.dates import detect_dates
from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.normalized_text import NormalizedText
from scenarios.pii.vocabulary import WORD_LISTS, is_never_name

MIN_DIGITS = 5  # digits of a number that needs no label
MAX_LENGTH = 24  # characters without separators
GROUP = BoundedPattern(r"\d+")
GROUP_SEPARATORS = frozenset({" ", "-", ".", ")", ") ", ")-", " (", "(", "-(", " - ", " -", "- ", ". ("})
PIECE = BoundedPattern(r"[A-Za-z0-9]+")
TOKEN = BoundedPattern(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
QUANTITY = BoundedPattern(
    r"\s?(?:%|dollars?|bucks|usd|cents|people|members|callers|calls|steps|miles|km|mg|mcg|ml|grams?|hours?|minutes?|days?"
    r"|years?|times|words|characters|feet|ft|lbs?|pounds|percent|st|nd|rd|th)\b",
    re.IGNORECASE,
)
MONEY = BoundedPattern(r"[$\u20ac\u00a3]\s?$")
LABELED = BoundedPattern(
    r"\b(?:member|case|account|acct|policy|ticket|badge|claim|reference|ref|confirmation|record|chart|mrn|patient|client|"
    r"employee|license|licence|plate|invoice|group|passport|extension|ext|pin|ssn|id|incident|report)\b\.?"
    r"(?P<mark>(?:\s(?:id|number|no|num|nr)\b\.?)?(?:\s(?:is|was)\b)?\s?[:#]{0,2}\s?)"
    r"(?P<value>(?:(?-i:[A-Z]{1,4}) |[A-Za-z]{1,4}-?)?\d[\dA-Za-z-]{0,20})",
    re.IGNORECASE,
)
# A short account number is the client organization's, as in "account 717".
ACCOUNT_LABEL = BoundedPattern(r"acc(?:oun)?t\b", re.IGNORECASE)
NUMBER_LABEL = BoundedPattern(r"[:#]|\b(?:id|no|num|nr|number)\b", re.IGNORECASE)
LAST_FOUR = BoundedPattern(
    r"\b(?:last (?:four|4)\b[^.\d\n]{0,30}|ending (?:in|with) |ends in )(?P<value>\d{4})\b", re.IGNORECASE
)
PLATE = BoundedPattern(
    r"\b(?:plates?|plt|tags?|licen[cs]e)\b\.?(?: (?:number|no|is|was)\b\.?| #)*:? "
    r"(?P<value>[a-z0-9]{2,4}[ -]?[a-z0-9]{2,4})\b",
    re.IGNORECASE,
)
# Letters before the digits that belong to the number: BXK 4471 9023 6.
PREFIX = BoundedPattern(r"\b[A-Z]{1,4}[ -]$")
SPOKEN_DIGITS = {
    **{"oh": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"},
    **{"six": "6", "seven": "7", "eight": "8", "nine": "9"},
}
SPOKEN_NUMBER = BoundedPattern(
    rf"\b(?:{'|'.join(SPOKEN_DIGITS)})(?:[ ,-]{{1,3}}(?:{'|'.join(SPOKEN_DIGITS)})){{6,14}}\b", re.IGNORECASE
)
YEAR = BoundedPattern(r"(?:19|20)\d\d")
# Public phone lines.
PUBLIC_NUMBERS = WORD_LISTS["public lines"]


def detect_numbers(normalized: NormalizedText) -> list[PIISpan]:
    spans = [
        span
        for span in _long_numbers(normalized)
        if _strip_separators(normalized.plain[span.start : span.end]) not in PUBLIC_NUMBERS
    ]
    spans += [_whole_span(match) for match in LABELED.finditer(normalized.plain) if _is_personal_number(match)]
    spans += [_whole_span(match) for match in LAST_FOUR.finditer(normalized.plain)]
    spans += [_whole_span(match) for match in SPOKEN_NUMBER.finditer(normalized.plain)]
    spans += [_value_span(match) for match in PLATE.finditer(normalized.plain) if _is_plate(match["value"])]
    return spans


def match_numbers(identifiers: Iterable[SourceIdentifier], normalized: NormalizedText) -> list[PIISpan]:
    """Find the same digits in any grouping, and short numbers after a label. Four-digit numbers need no label."""
    keys = {
        key
        for identifier in identifiers
        for key in _comparison_keys(NormalizedText(identifier.text).plain, identifier.kind)
    }
    if not keys:
        return []
    long_keys = {key for key in keys if _is_distinctive(key)}
    short_keys = keys - long_keys
    endings = short_keys | {key[-4:] for key in long_keys}
    spans = list(_find_joined(normalized, long_keys))
    spans += [
        _whole_span(match)
        for match in SPOKEN_NUMBER.finditer(normalized.plain)
        if long_keys & _comparison_keys(match[0])
    ]
    spans += [
        _whole_span(match)
        for match in TOKEN.finditer(normalized.plain)
        if _is_four_digits(match[0]) and match[0] in short_keys
    ]
    spans += [
        _whole_span(match)
        for match in LABELED.finditer(normalized.plain)
        if _strip_separators(match["value"]) in short_keys
    ]
    spans += [_whole_span(match) for match in LAST_FOUR.finditer(normalized.plain) if match["value"] in endings]
    return spans


def _long_numbers(normalized: NormalizedText) -> Iterator[PIISpan]:
    """Yield runs of at least five digits, and mixed tokens with as many."""
    full_dates = (found for found in detect_dates(normalized) if not found.needs_cue)
    date_positions = {position for found in full_dates for position in range(found.start, found.end)}
    for run in _digit_runs(normalized):
        start, end = run[0].start(), run[-1].end()
        if start not in date_positions and _is_long(normalized, run):
            yield _build_span(normalized, _prefixed_start(normalized, start), end)
    for match in TOKEN.finditer(normalized.plain):
        if match.start() not in date_positions and _is_code(match[0]):
            yield _whole_span(match)


def _digit_runs(normalized: NormalizedText) -> Iterator[list[re.Match[str]]]:
    """Yield groups of digits that are written as one number."""
    run: list[re.Match[str]] = []
    for group in GROUP.finditer(normalized.plain):
        if run and normalized.plain[run[-1].end() : group.start()] not in GROUP_SEPARATORS:
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _is_long(normalized: NormalizedText, run: list[re.Match[str]]) -> bool:
    groups = [group[0] for group in run]
    if sum(len(group) for group in groups) < MIN_DIGITS or all(YEAR.fullmatch(group) for group in groups):
        return False
    plain = normalized.plain
    before, after = plain[max(0, run[0].start() - 2) : run[0].start()], plain[run[-1].end() : run[-1].end() + 12]
    return not (MONEY.search(before) or (len(run) == 1 and QUANTITY.match(after)))


def _find_joined(normalized: NormalizedText, keys: set[str]) -> Iterator[PIISpan]:
    """Yield every run of neighboring letters and digits that join into a wanted key."""
    pieces = list(PIECE.finditer(normalized.plain))
    for first, piece in enumerate(pieces):
        if _without_area_code(piece[0]) in keys:
            yield _build_span(normalized, piece.start(), piece.end())
        key, end = "", piece.start()
        for last in pieces[first : first + MAX_LENGTH]:
            key += last[0].casefold()
            if len(key) > MAX_LENGTH or (
                end > piece.start() and normalized.plain[end : last.start()] not in GROUP_SEPARATORS
            ):
                break
            end = last.end()
            if key in keys or _without_country(key) in keys:
                yield _build_span(normalized, piece.start(), end)


def _comparison_keys(text: str, kind: PIIKind = PIIKind.NUMBER) -> set[str]:
    """Return comparison keys: all digits, phone numbers without country and area codes, and codes without hyphens."""
    if kind is PIIKind.ADDRESS:
        return {group for group in GROUP.findall(text) if len(group) >= MIN_DIGITS}
    label = LABELED.match(text) or LAST_FOUR.fullmatch(text)
    text = text[label.start("value") :] if label else text
    if SPOKEN_NUMBER.fullmatch(text):
        text = "".join(SPOKEN_DIGITS[word.casefold()] for word in PIECE.findall(text))
    compact = _strip_separators(text)
    min_digits = MIN_DIGITS - 1 if label else MIN_DIGITS
    keys = {compact, *(group for group in GROUP.findall(text) if len(group) >= min_digits)}
    digits = re.sub(r"\D", "", text)
    if len(digits) >= MIN_DIGITS:
        keys |= {digits, _without_country(digits)}
    if compact.isdigit():
        keys.add(_without_area_code(compact))
    return keys - {""}


def _without_country(digits: str) -> str:
    return digits[1:] if len(digits) == 11 and digits.isdigit() and digits[0] == "1" else digits


def _without_area_code(digits: str) -> str:
    return digits[-7:] if len(digits) in {10, 11} and digits.isdigit() else digits


def _is_personal_number(match: re.Match[str]) -> bool:
    value = match["value"]
    if value in PUBLIC_NUMBERS or _count_digits(value) < 2 or _is_measure(value):
        return False
    if ACCOUNT_LABEL.match(match[0]):
        return _count_digits(value) >= MIN_DIGITS
    if NUMBER_LABEL.search(match["mark"]):
        return True
    return _count_digits(value) >= 3 and not YEAR.fullmatch(value)


def _is_measure(text: str) -> bool:
    """Return True for measures: 10000mg, 1980s, 10th."""
    return bool(re.fullmatch(r"\d+(?:mg|mcg|ml|k|s|st|nd|rd|th|am|pm|lbs?|ft|km|yo|y)", text, re.IGNORECASE))


def _is_code(text: str) -> bool:
    """Return True for codes: AB-20391-X, or BXJ7741 in capitals."""
    compact = _strip_separators(text)
    min_digits = (
        3 if text.isupper() and len(compact) - _count_digits(compact) > 1 and len(compact) > MIN_DIGITS else MIN_DIGITS
    )
    return not compact.isdigit() and _count_digits(compact) >= min_digits and not _is_measure(text)


def _is_plate(text: str) -> bool:
    return _is_distinctive(_strip_separators(text)) and not any(
        is_never_name(piece.casefold()) for piece in PIECE.findall(text)
    )


def _is_distinctive(key: str) -> bool:
    """Return True if the key identifies a number without a label."""
    digits = _count_digits(key)
    return digits >= MIN_DIGITS or (len(key) >= MIN_DIGITS and digits > 1 and len(key) - digits > 1)


def _is_four_digits(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and not YEAR.fullmatch(text)


def _count_digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _strip_separators(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _prefixed_start(normalized: NormalizedText, start: int) -> int:
    prefix = PREFIX.search(normalized.plain, max(0, start - 6), start)
    if not prefix:
        return start
    word = prefix[0][:-1].casefold()
    is_word = len(word) > 1 and (is_never_name(word) or word in WORD_LISTS["state codes"])
    return start if is_word else prefix.start()


def _build_span(normalized: NormalizedText, start: int, end: int) -> PIISpan:
    """Return the span including the opening parenthesis of (602) 555-0142 or the plus sign of +1."""
    before = normalized.plain[max(0, start - 1) : start]
    has_opening = before == "+" or (before == "(" and ")" in normalized.plain[start:end])
    return PIISpan(start - has_opening, end, PIIKind.NUMBER)


def _whole_span(match: re.Match[str]) -> PIISpan:
    return PIISpan(match.start(), match.end(), PIIKind.NUMBER)


def _value_span(match: re.Match[str]) -> PIISpan:
    return PIISpan(*match.span("value"), PIIKind.NUMBER)
