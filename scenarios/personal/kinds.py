"""What can point at a person, where it stands in a source, and where a draft still holds it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    ADDRESS = "address"
    BIRTHDAY = "birthday"
    EMPLOYER = "employer"
    CONTACT = "contact"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def is_certain(self) -> bool:
        """A certain find has to be taken out; any other one a person may call "not personal"."""
        return self in {Kind.NUMBER, Kind.BIRTHDAY, Kind.CONTACT}


_LABELS = {
    Kind.NAME: "Name",
    Kind.NUMBER: "Phone, account or other number",
    Kind.ADDRESS: "Address or place",
    Kind.BIRTHDAY: "Birthday",
    Kind.EMPLOYER: "Employer, school or institution",
    Kind.CONTACT: "E-mail, web address or handle",
}


@dataclass(frozen=True)
class Identifier:
    """Something identifying, as it stands in the source. One that is sure was introduced as what it is."""

    kind: Kind
    text: str
    is_sure: bool = True


@dataclass(frozen=True)
class Found:
    """A place of a draft: text == fields[field][start:end], counted in characters."""

    field: str
    start: int
    end: int
    text: str
    kind: Kind


@dataclass(frozen=True)
class Span:
    """A place in a text as read: offsets into Reading.plain."""

    start: int
    end: int
    kind: Kind
    is_sure: bool = True
