"""Birthdays: a date beside a word such as "born", or one too long ago to be the day of a call."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from dateutil import parser  # type: ignore[import-untyped]

from scenarios.personal.kinds import Identifier, Kind, Span
from scenarios.personal.reading import Reading

SPANISH = {
    **{"enero": "january", "febrero": "february", "marzo": "march", "abril": "april", "mayo": "may", "junio": "june"},
    **{"julio": "july", "agosto": "august", "septiembre": "september", "octubre": "october"},
    **{"noviembre": "november", "diciembre": "december"},
}
MONTH = (
    rf"(?:january|february|march|april|may|june|july|august|september|october|november|december|{'|'.join(SPANISH)}"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
)
_UNITS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
ORDINALS = [
    *(*_UNITS, "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth", "twentieth", *(f"twenty-{unit}" for unit in _UNITS), "thirtieth", "thirty-first"),
]
FEASTS = {
    **{"christmas eve": "december 24", "christmas day": "december 25", "boxing day": "december 26"},
    **{"new year's eve": "december 31", "new year's day": "january 1", "valentine's day": "february 14"},
    **{"halloween": "october 31", "leap day": "february 29"},
}
DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(reversed(ORDINALS))})"
YEAR = r"(?P<year>\d{4}|'\d{2})(?!\d)"
WRITTEN = (
    re.compile(
        rf"\b{MONTH}[\s-]{{1,2}}(?:the )?{DAY}\b(?:,?[\s-](?:of |in )?{YEAR}|, (?P<short>\d{{2}})\b)?", re.IGNORECASE
    ),
    re.compile(rf"\b{DAY}[\s/-](?:(?:of|de) )?{MONTH}(?:,?[\s/-](?:del? )?{YEAR})?", re.IGNORECASE),
)
YEAR_FIRST = re.compile(r"(?<![\d/.-])(?P<year>\d{4})(?P<by>[-/.])\d{1,2}(?P=by)\d{1,2}(?![\d/-])")
IN_FIGURES = re.compile(r"(?<![\d/.-])\d{1,2}(?P<by>[-/.])\d{1,2}(?P=by)(?P<year>\d{4}|\d{2})(?![\d/-])")
WITHOUT_YEAR = re.compile(r"(?<![\d/.-])\d{1,2}/\d{1,2}(?![\d/-])")
COMPACT = re.compile(r"(?<![\d-])(?P<year>(?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\d-])")
FEAST = re.compile(rf"\b(?:{'|'.join(FEASTS)})(?:,? (?:of |in )?{YEAR})?", re.IGNORECASE)
# These are dates only beside a cue.
BARE = (WITHOUT_YEAR, COMPACT, FEAST)
TEENS = r"(?:twenty|(?:thir|four|fif|six|seven|eigh|nine)teen)"
CUE = re.compile(
    rf"\b(?:(?:born|dob|d\.o\.b\.?|birth|birth-?days?|birth-?dates?|b-?days?)\b"
    rf"|turn(?:s|ed|ing)? (?:\d|{TEENS}|[a-z]+ty)|(?:{TEENS}|be(?:en)? \d{{1,2}})(?= on\b))",
    re.IGNORECASE,
)
SENTENCE_BREAK = re.compile(r"(?<=[a-z\d])[.!?]+\s|;|\n\s*\n", re.IGNORECASE)
NEAR_BEFORE, NEAR_AFTER = 40, 25
# A call or complaint is younger than this; an older full date is a person's.
YEARS_OF_A_PERSON = 10

# What the parser does not read, and what it reads
IN_FIGURES_OR_ENGLISH = {
    **{"the": "", "de": "", "del": ""},
    **FEASTS,
    **SPANISH,
    **{word: str(day) for day, word in enumerate(ORDINALS, start=1)},
}
WORDED = re.compile(rf"\b(?:{'|'.join(sorted(IN_FIGURES_OR_ENGLISH, key=len, reverse=True))})\b", re.IGNORECASE)

# (year without its century, month, day); year None where none was said
Day = tuple[int | None, int, int]


@dataclass(frozen=True)
class Dated:
    """A date in a text. 3/4/88 can be read two ways, so it may be several days; `year` is of four digits."""

    start: int
    end: int
    days: frozenset[Day]
    year: int | None
    is_bare: bool


def dates_in(reading: Reading) -> list[Dated]:
    found = []
    for pattern in (*WRITTEN, YEAR_FIRST, IN_FIGURES, *BARE):
        for match in pattern.finditer(reading.plain):
            dated = _read(match, both_ways=pattern in (IN_FIGURES, WITHOUT_YEAR))
            if dated:
                found.append(dated)
    return found


def birthdays_in(reading: Reading, today: date) -> list[Span]:
    spans = []
    for dated, cue in _with_cues(reading):
        if cue:
            # A bare 3/3 is a birthday only together with its cue.
            around = (min(cue[0], dated.start), max(cue[1], dated.end)) if dated.is_bare else (dated.start, dated.end)
            spans.append(Span(*around, Kind.BIRTHDAY))
        elif dated.year and not dated.is_bare and dated.year < today.year - YEARS_OF_A_PERSON:
            spans.append(Span(dated.start, dated.end, Kind.BIRTHDAY))
    return spans


def find_birthdays(identifiers: Iterable[Identifier], reading: Reading) -> list[Span]:
    """The same day in any way of writing it, with its year or without."""
    days = {day for identifier in identifiers for dated in dates_in(Reading(identifier.text)) for day in dated.days}
    of_any_year = {day[1:] for day in days}
    without_year = {day[1:] for day in days if day[0] is None}
    spans = []
    for dated, cue in _with_cues(reading) if days else ():
        if dated.is_bare and not cue:
            continue
        same_day = {day[1:] for day in dated.days} & (without_year if dated.year else of_any_year)
        if same_day or dated.days & days:
            spans.append(Span(dated.start, dated.end, Kind.BIRTHDAY))
    return spans


def _with_cues(reading: Reading) -> Iterator[tuple[Dated, tuple[int, int] | None]]:
    """Each date with the cue beside it, in the same sentence and with no other date between."""
    found = sorted(dates_in(reading), key=lambda dated: dated.start)
    ends = [0, *(dated.end for dated in found)]
    starts = [*(dated.start for dated in found[1:]), len(reading.plain)]
    for dated, last_end, next_start in zip(found, ends, starts, strict=False):
        before = max(dated.start - NEAR_BEFORE, last_end)
        after = min(dated.end + NEAR_AFTER, next_start)
        yield dated, _cue_before(reading, before, dated.start) or _cue_after(reading, dated.end, after)


def _cue_before(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    cues = list(CUE.finditer(reading.plain, start, max(start, end)))
    if not cues or SENTENCE_BREAK.search(reading.plain, cues[-1].end(), end):
        return None
    return cues[-1].span()


def _cue_after(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    cue = CUE.search(reading.plain, start, max(start, end))
    if not cue or SENTENCE_BREAK.search(reading.plain, start, cue.start()):
        return None
    return cue.span()


def _read(match: re.Match[str], both_ways: bool) -> Dated | None:
    groups = match.groupdict()
    has_year = bool(groups.get("year") or groups.get("short"))
    readings = [_parse(match[0], day_first) for day_first in ((False, True) if both_ways else (False,))]
    days = [reading for reading in readings if reading]
    if not days:
        return None
    return Dated(
        start=match.start(),
        end=match.end(),
        days=frozenset((day.year % 100 if has_year else None, day.month, day.day) for day in days),
        year=days[0].year if has_year else None,
        is_bare=match.re in BARE,
    )


def _parse(text: str, day_first: bool) -> date | None:
    text = WORDED.sub(lambda word: IN_FIGURES_OR_ENGLISH[word[0].casefold()], text)
    try:
        # The year that stands in for a missing one has a February 29.
        found: datetime = parser.parse(text.replace("'", ""), dayfirst=day_first, default=datetime(2000, 1, 1))
    except (ValueError, OverflowError):
        return None
    return found.date()
