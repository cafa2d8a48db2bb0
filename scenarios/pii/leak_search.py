"""Identifying details of a source and their matches in the fields of a draft."""

from collections.abc import Iterable, Mapping
from datetime import date

from scenarios.pii.addresses import detect_addresses, match_addresses
from scenarios.pii.contacts import detect_contacts, match_contacts
from scenarios.pii.dates import detect_birthdays, match_birthdays
from scenarios.pii.employers import detect_employers, match_employers
from scenarios.pii.entities import PIIKind, PIIMatch, PIISpan, SourceIdentifier
from scenarios.pii.name_matching import match_names
from scenarios.pii.names import detect_names, find_unexplained_words
from scenarios.pii.normalized_text import NormalizedText
from scenarios.pii.numbers import detect_numbers, match_numbers

# If matches of two kinds cover the same text, the more specific kind wins.
KIND_PRIORITY = [PIIKind.BIRTHDAY, PIIKind.CONTACT, PIIKind.ADDRESS, PIIKind.NUMBER, PIIKind.EMPLOYER, PIIKind.NAME]


def detect_identifiers(source: str, today: date | None = None) -> list[SourceIdentifier]:
    """Return the identifying details of the source, each once, in order of first occurrence."""
    return _detect_unique(NormalizedText(source), today or date.today())


def find_leaked_pii(source: str, fields: Mapping[str, str], today: date | None = None) -> list[PIIMatch]:
    """Return every match in the fields, ordered by field, then by position.

    Overlapping matches are merged into one, which has the kind of the longest.
    """
    source_text = NormalizedText(source)
    identifiers = _detect_unique(source_text, today or date.today())
    unexplained = find_unexplained_words(source_text)
    normalized_fields = {name: NormalizedText(text) for name, text in fields.items()}
    return [
        _build_match(name, normalized, span)
        for name, normalized in normalized_fields.items()
        for span in _merge(_match_identifiers(identifiers, unexplained, normalized))
    ]


def _detect_unique(normalized: NormalizedText, today: date) -> list[SourceIdentifier]:
    spans = [
        *detect_contacts(normalized),
        *detect_birthdays(normalized, today),
        *detect_numbers(normalized),
        *detect_addresses(normalized),
        *detect_employers(normalized),
    ]
    spans += detect_names(normalized, spans)
    unique: dict[tuple[PIIKind, str], SourceIdentifier] = {}
    for span in _merge(spans):
        text = normalized.original(span.start, span.end)
        known = unique.get((span.kind, text))
        unique[span.kind, text] = SourceIdentifier(
            span.kind, text, span.is_explicit or bool(known and known.is_explicit)
        )
    return list(unique.values())


def _match_identifiers(
    identifiers: Iterable[SourceIdentifier], unexplained: Iterable[str], normalized: NormalizedText
) -> list[PIISpan]:
    by_kind: dict[PIIKind, list[SourceIdentifier]] = {kind: [] for kind in PIIKind}
    for identifier in identifiers:
        by_kind[identifier.kind].append(identifier)
    return [
        *match_contacts(by_kind[PIIKind.CONTACT], normalized),
        *match_birthdays(by_kind[PIIKind.BIRTHDAY], normalized),
        *match_numbers([*by_kind[PIIKind.NUMBER], *by_kind[PIIKind.ADDRESS]], normalized),
        *match_addresses(by_kind[PIIKind.ADDRESS], normalized),
        *match_employers(by_kind[PIIKind.EMPLOYER], normalized),
        *match_names(by_kind[PIIKind.NAME], unexplained, normalized),
    ]


def _merge(spans: Iterable[PIISpan]) -> list[PIISpan]:
    merged: list[PIISpan] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end, KIND_PRIORITY.index(span.kind))):
        last = merged[-1] if merged else None
        length = span.end - span.start
        if not last or span.start >= last.end:
            merged.append(span)
            longest = length
            continue
        kind = span.kind if length > longest else last.kind
        merged[-1] = PIISpan(last.start, max(last.end, span.end), kind, last.is_explicit or span.is_explicit)
        longest = max(longest, length)
    return merged


def _build_match(field: str, normalized: NormalizedText, span: PIISpan) -> PIIMatch:
    start, end = normalized.original_span(span.start, span.end)
    return PIIMatch(field, start, end, normalized.text[start:end], span.kind)
