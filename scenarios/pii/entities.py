"""Kinds of identifying details, their places in a source, and their matches in a draft."""

from dataclasses import dataclass
from enum import StrEnum

from scenarios.messages import Message, gettext_noop


class PIIKind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    ADDRESS = "address"
    BIRTHDAY = "birthday"
    EMPLOYER = "employer"
    CONTACT = "contact"

    @property
    def label(self) -> Message:
        return _LABELS[self]

    @property
    def is_certain(self) -> bool:
        """Return True if a match must be removed. Other matches can be dismissed as not personal."""
        return self in {PIIKind.NUMBER, PIIKind.BIRTHDAY, PIIKind.CONTACT}


_LABELS = {
    PIIKind.NAME: Message(gettext_noop("Name")),
    PIIKind.NUMBER: Message(gettext_noop("Phone, account, or other number")),
    PIIKind.ADDRESS: Message(gettext_noop("Address or place")),
    PIIKind.BIRTHDAY: Message(gettext_noop("Date of birth")),
    PIIKind.EMPLOYER: Message(gettext_noop("Employer, school, or institution")),
    PIIKind.CONTACT: Message(gettext_noop("Email, web address, or username")),
}


@dataclass(frozen=True)
class SourceIdentifier:
    """An identifying detail as written in the source."""

    kind: PIIKind
    text: str
    is_explicit: bool = True  # introduced in the source as a detail of this kind


@dataclass(frozen=True)
class PIIMatch:
    """A match in a draft: text == fields[field][start:end], in characters."""

    field: str
    start: int
    end: int
    text: str
    kind: PIIKind


@dataclass(frozen=True)
class PIISpan:
    """A match in a normalized text: offsets into `NormalizedText.plain`."""

    start: int
    end: int
    kind: PIIKind
    is_explicit: bool = True  # introduced in the text as a detail of this kind
