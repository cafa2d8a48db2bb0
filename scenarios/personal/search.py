"""What identifies in a source, and where the fields of a draft still hold it."""

from collections.abc import Iterable, Mapping
from datetime import date

from scenarios.personal.contacts import contacts_in, find_contacts
from scenarios.personal.dates import birthdays_in, find_birthdays
from scenarios.personal.employers import employers_in, find_employers
from scenarios.personal.kinds import Found, Identifier, Kind, Span
from scenarios.personal.names import names_in, unexplained_words
from scenarios.personal.names_again import find_names
from scenarios.personal.numbers import find_numbers, numbers_in
from scenarios.personal.places import find_places, places_in
from scenarios.personal.reading import Reading

# Of two kinds for the same place the one that says more.
TELLING = [Kind.BIRTHDAY, Kind.CONTACT, Kind.ADDRESS, Kind.NUMBER, Kind.EMPLOYER, Kind.NAME]


def identifiers_in(source: str, today: date | None = None) -> list[Identifier]:
    """What is identifying in the source, each once, in the order it first stands there."""
    return _identifiers(Reading(source), today or date.today())


def find_personal(source: str, fields: Mapping[str, str], today: date | None = None) -> list[Found]:
    """Every place of every field that still holds something identifying of the source, by field, then place.

    Places never overlap: of several that do, one is left that covers them, with the kind of the longest.
    """
    read = Reading(source)
    identifiers = _identifiers(read, today or date.today())
    unexplained = unexplained_words(read)
    readings = {name: Reading(text) for name, text in fields.items()}
    return [
        _found(name, reading, span)
        for name, reading in readings.items()
        for span in _merged(_places(identifiers, unexplained, reading))
    ]


def _identifiers(reading: Reading, today: date) -> list[Identifier]:
    spans = [
        *contacts_in(reading),
        *birthdays_in(reading, today),
        *numbers_in(reading),
        *places_in(reading),
        *employers_in(reading),
    ]
    spans += names_in(reading, spans)
    unique: dict[tuple[Kind, str], Identifier] = {}
    for span in _merged(spans):
        text = reading.original(span.start, span.end)
        known = unique.get((span.kind, text))
        unique[span.kind, text] = Identifier(span.kind, text, span.is_sure or bool(known and known.is_sure))
    return list(unique.values())


def _places(identifiers: Iterable[Identifier], unexplained: Iterable[str], reading: Reading) -> list[Span]:
    of: dict[Kind, list[Identifier]] = {kind: [] for kind in Kind}
    for identifier in identifiers:
        of[identifier.kind].append(identifier)
    return [
        *find_contacts(of[Kind.CONTACT], reading),
        *find_birthdays(of[Kind.BIRTHDAY], reading),
        *find_numbers([*of[Kind.NUMBER], *of[Kind.ADDRESS]], reading),
        *find_places(of[Kind.ADDRESS], reading),
        *find_employers(of[Kind.EMPLOYER], reading),
        *find_names(of[Kind.NAME], unexplained, reading),
    ]


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end, TELLING.index(span.kind))):
        last = merged[-1] if merged else None
        length = span.end - span.start
        if not last or span.start >= last.end:
            merged.append(span)
            longest = length
            continue
        kind = span.kind if length > longest else last.kind
        merged[-1] = Span(last.start, max(last.end, span.end), kind, last.is_sure or span.is_sure)
        longest = max(longest, length)
    return merged


def _found(field: str, reading: Reading, span: Span) -> Found:
    start, end = reading.original_span(span.start, span.end)
    return Found(field, start, end, reading.text[start:end], span.kind)
