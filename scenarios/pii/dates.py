"""Birthdays: a date near a word such as "born", or one too old to be the date of a call."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from dateutil import parser  # type: ignore[import-untyped]

from ai.bounded_patterns import BoundedPattern
from scenarios.pii.entities import PIIKind, PIISpan, SourceIdentifier
from scenarios.pii.normalized_text import NormalizedText

SPANISH_MONTHS = {
    **{"enero": "january", "febrero": "february", "marzo": "march", "abril": "april", "mayo": "may", "junio": "june"},
    **{"julio": "july", "agosto": "august", "septiembre": "september", "octubre": "october"},
    **{"noviembre": "november", "diciembre": "december"},
}
MONTH = (
    rf"(?:january|february|march|april|may|june|july|august|september|october|november|december|{'|'.join(SPANISH_MONTHS)}"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
)
_UNITS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
ORDINALS = [
    *(*_UNITS, "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth", "twentieth", *(f"twenty-{unit}" for unit in _UNITS), "thirtieth", "thirty-first"),
]
HOLIDAYS = {
    **{"christmas eve": "december 24", "christmas day": "december 25", "boxing day": "december 26"},
    **{"new year's eve": "december 31", "new year's day": "january 1", "valentine's day": "february 14"},
    **{"halloween": "october 31", "leap day": "february 29"},
}
DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(reversed(ORDINALS))})"
YEAR = r"(?P<year>\d{4}|'\d{2})(?!\d)"
WORDED_DATES = (
    BoundedPattern(
        rf"\b{MONTH}[\s-]{{1,2}}(?:the )?{DAY}\b(?:,?[\s-](?:of |in )?{YEAR}|, (?P<short>\d{{2}})\b)?", re.IGNORECASE
    ),
    BoundedPattern(rf"\b{DAY}[\s/-](?:(?:of|de) )?{MONTH}(?:,?[\s/-](?:del? )?{YEAR})?", re.IGNORECASE),
)
YEAR_FIRST = BoundedPattern(r"(?<![\d/.-])(?P<year>\d{4})(?P<by>[-/.])\d{1,2}(?P=by)\d{1,2}(?![\d/-])")
NUMERIC_DATE = BoundedPattern(r"(?<![\d/.-])\d{1,2}(?P<by>[-/.])\d{1,2}(?P=by)(?P<year>\d{4}|\d{2})(?![\d/-])")
WITHOUT_YEAR = BoundedPattern(r"(?<![\d/.-])\d{1,2}/\d{1,2}(?![\d/-])")
COMPACT = BoundedPattern(r"(?<![\d-])(?P<year>(?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d-])")
HOLIDAY = BoundedPattern(rf"\b(?:{'|'.join(HOLIDAYS)})(?:,? (?:of |in )?{YEAR})?", re.IGNORECASE)
# Patterns that count as dates only near a cue.
AMBIGUOUS_PATTERNS = (WITHOUT_YEAR, COMPACT, HOLIDAY)
TEENS = r"(?:twenty|(?:thir|four|fif|six|seven|eigh|nine)teen)"
BIRTHDAY_CUE = BoundedPattern(
    rf"\b(?:(?:born|dob|d\.o\.b\.?|birth|birth-?days?|birth-?dates?|b-?days?)\b"
    rf"|turn(?:s|ed|ing)? (?:\d|{TEENS}|[a-z]+ty)|(?:{TEENS}|be(?:en)? \d{{1,2}})(?= on\b))",
    re.IGNORECASE,
)
SENTENCE_BREAK = BoundedPattern(r"(?<=[a-z\d])[.!?]+\s|;|\n\s*\n", re.IGNORECASE)
NEAR_BEFORE, NEAR_AFTER = 40, 25  # characters around a date in which a cue counts
# Calls and complaints are more recent than this, so an older full date is probably a birthday.
MIN_BIRTHDAY_AGE_YEARS = 10

# Replacements for words that the date parser cannot read.
PARSER_WORDS = {
    **{"the": "", "de": "", "del": ""},
    **HOLIDAYS,
    **SPANISH_MONTHS,
    **{word: str(day) for day, word in enumerate(ORDINALS, start=1)},
}
PARSER_WORD = BoundedPattern(rf"\b(?:{'|'.join(sorted(PARSER_WORDS, key=len, reverse=True))})\b", re.IGNORECASE)

# (year without century or None, month, day)
Day = tuple[int | None, int, int]


@dataclass(frozen=True)
class DateMention:
    """A date found in text. `days` has two entries if it is ambiguous, such as 3/4/88. `year` has four digits."""

    start: int  # offset into `NormalizedText.plain`
    end: int  # offset into `NormalizedText.plain`
    days: frozenset[Day]
    year: int | None
    needs_cue: bool  # counts as a birthday only near a cue


def detect_dates(normalized: NormalizedText) -> list[DateMention]:
    found = []
    for pattern in (*WORDED_DATES, YEAR_FIRST, NUMERIC_DATE, *AMBIGUOUS_PATTERNS):
        for match in pattern.finditer(normalized.plain):
            mention = _build_mention(match, both_ways=pattern in (NUMERIC_DATE, WITHOUT_YEAR))
            if mention:
                found.append(mention)
    return found


def detect_birthdays(normalized: NormalizedText, today: date) -> list[PIISpan]:
    spans = []
    for mention, cue in _pair_with_cues(normalized):
        if cue:
            # A bare 3/3 is a birthday only together with its cue.
            span = (
                (min(cue[0], mention.start), max(cue[1], mention.end))
                if mention.needs_cue
                else (mention.start, mention.end)
            )
            spans.append(PIISpan(*span, PIIKind.BIRTHDAY))
        elif mention.year and not mention.needs_cue and mention.year < today.year - MIN_BIRTHDAY_AGE_YEARS:
            spans.append(PIISpan(mention.start, mention.end, PIIKind.BIRTHDAY))
    return spans


def match_birthdays(identifiers: Iterable[SourceIdentifier], normalized: NormalizedText) -> list[PIISpan]:
    """Find the same day in any notation, with or without its year."""
    days = {
        day
        for identifier in identifiers
        for mention in detect_dates(NormalizedText(identifier.text))
        for day in mention.days
    }
    of_any_year = {day[1:] for day in days}
    without_year = {day[1:] for day in days if day[0] is None}
    spans = []
    for mention, cue in _pair_with_cues(normalized) if days else ():
        if mention.needs_cue and not cue:
            continue
        same_day = {day[1:] for day in mention.days} & (without_year if mention.year else of_any_year)
        if same_day or mention.days & days:
            spans.append(PIISpan(mention.start, mention.end, PIIKind.BIRTHDAY))
    return spans


def _pair_with_cues(normalized: NormalizedText) -> Iterator[tuple[DateMention, tuple[int, int] | None]]:
    """Yield each date with the span of its cue, in the same sentence and with no other date in between."""
    found = sorted(detect_dates(normalized), key=lambda mention: mention.start)
    ends = [0, *(mention.end for mention in found)]
    starts = [*(mention.start for mention in found[1:]), len(normalized.plain)]
    for mention, last_end, next_start in zip(found, ends, starts, strict=False):
        before = max(mention.start - NEAR_BEFORE, last_end)
        after = min(mention.end + NEAR_AFTER, next_start)
        cue = _find_cue_before(normalized, before, mention.start) or _find_cue_after(normalized, mention.end, after)
        yield mention, cue


def _find_cue_before(normalized: NormalizedText, start: int, end: int) -> tuple[int, int] | None:
    cues = list(BIRTHDAY_CUE.finditer(normalized.plain, start, max(start, end)))
    if not cues or SENTENCE_BREAK.search(normalized.plain, cues[-1].end(), end):
        return None
    return cues[-1].span()


def _find_cue_after(normalized: NormalizedText, start: int, end: int) -> tuple[int, int] | None:
    cue = BIRTHDAY_CUE.search(normalized.plain, start, max(start, end))
    if not cue or SENTENCE_BREAK.search(normalized.plain, start, cue.start()):
        return None
    return cue.span()


def _build_mention(match: re.Match[str], both_ways: bool) -> DateMention | None:
    groups = match.groupdict()
    has_year = bool(groups.get("year") or groups.get("short"))
    parsed = [_parse(match[0], day_first) for day_first in ((False, True) if both_ways else (False,))]
    days = [day for day in parsed if day]
    if not days:
        return None
    return DateMention(
        start=match.start(),
        end=match.end(),
        days=frozenset((day.year % 100 if has_year else None, day.month, day.day) for day in days),
        year=days[0].year if has_year else None,
        needs_cue=match.re in AMBIGUOUS_PATTERNS,
    )


def _parse(text: str, day_first: bool) -> date | None:
    text = PARSER_WORD.sub(lambda word: PARSER_WORDS[word[0].casefold()], text)
    try:
        # The default year 2000 is a leap year, so that February 29 without a year can be parsed.
        found: datetime = parser.parse(text.replace("'", ""), dayfirst=day_first, default=datetime(2000, 1, 1))
    except (ValueError, OverflowError):
        return None
    return found.date()
