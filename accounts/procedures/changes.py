"""Differences between two versions of a procedure document, section by section and word by word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from accounts.models import ProcedureDocument, ProcedureSection

# The comparison takes up to quadratic time, so longer sections are compared by line, and even longer ones as a whole.
MAX_PIECES = 600
MAX_COMPARED = 60  # sections of one document that are compared by word; the others are only listed
_CONTEXT = 12  # unchanged words shown beside a change


class ChangeKind(StrEnum):
    """Ways in which a section can differ."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class TextPart:
    """Part of a changed text. An unchanged part may be shortened in the middle."""

    kind: str  # "same", "ins", or "del"
    text: str


@dataclass(frozen=True)
class SectionChange:
    """A section that differs between two documents."""

    kind: ChangeKind
    number: str
    title: str
    parts: list[TextPart]  # empty if the section was only listed


def list_changes(new: ProcedureDocument, old: ProcedureDocument) -> list[SectionChange]:
    """Return the differences in the order of the new document. Removed sections are last."""
    before = {section.number: section for section in old.sections.all()}
    changes: list[SectionChange] = []
    for section in new.sections.all():
        earlier = before.pop(section.number, None)
        if earlier is None or _words(earlier) != _words(section):
            changes.append(_describe(section, earlier, len(changes) < MAX_COMPARED))
    return [*changes, *(_list_removed(section) for section in before.values())]


def _words(section: ProcedureSection) -> list[str]:
    return f"{section.title}\n{section.text}".split()


def _describe(section: ProcedureSection, earlier: ProcedureSection | None, is_compared: bool) -> SectionChange:
    if earlier is None:
        return SectionChange(ChangeKind.ADDED, section.number, section.title, [TextPart("ins", section.text)])
    parts: list[TextPart] = []
    if is_compared:
        if earlier.title != section.title:
            parts += [TextPart("del", earlier.title), TextPart("ins", section.title), TextPart("same", "\n")]
        parts += _compare(earlier.text, section.text)
    return SectionChange(ChangeKind.CHANGED, section.number, section.title, parts)


def _list_removed(section: ProcedureSection) -> SectionChange:
    return SectionChange(ChangeKind.REMOVED, section.number, section.title, [TextPart("del", section.text)])


def _compare(old: str, new: str) -> list[TextPart]:
    """Return the parts of both texts: by word if they are short enough, otherwise by line, otherwise as a whole."""
    for separator in (None, "\n"):
        before, after = old.split(separator), new.split(separator)
        if max(len(before), len(after)) <= MAX_PIECES:
            return list(_merge(before, after, separator or " "))
    return [TextPart("del", old), TextPart("ins", new)]


def _merge(before: Sequence[str], after: Sequence[str], joint: str) -> Iterator[TextPart]:
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            yield TextPart("same", _shorten(before[i1:i2], joint, is_first=i1 == 0, is_last=i2 == len(before)))
            continue
        if i1 < i2:
            yield TextPart("del", joint.join(before[i1:i2]))
        if j1 < j2:
            yield TextPart("ins", joint.join(after[j1:j2]))


def _shorten(pieces: Sequence[str], joint: str, *, is_first: bool, is_last: bool) -> str:
    """Join unchanged pieces, but only those near a change."""
    if len(pieces) <= 3 * _CONTEXT:
        return joint.join(pieces)
    start = [] if is_first else pieces[:_CONTEXT]
    end = [] if is_last else pieces[-_CONTEXT:]
    return joint.join([*start, "…", *end])
