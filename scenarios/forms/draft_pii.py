"""Personal details from a complaint that are still in a draft, grouped by wording for display."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scenarios.forms.scenario_form import TEXT_LIMITS
from scenarios.models import Scenario, ScenarioDraft
from scenarios.pii import PIIMatch
from scenarios.services.drafts import PII_CHECKED_FIELDS, dismissal, find_draft_pii
from scenarios.services.message_translation import translate

CONTEXT_CHARACTERS = 40  # characters of context on each side of a passage


@dataclass(frozen=True)
class PIIPlace:
    """A passage with the text around it. `start` and `end` count UTF-16 code units, as browsers do."""

    start: int
    end: int
    before: str  # context on the same line
    passage: str
    after: str  # context on the same line


@dataclass
class PIIFinding:
    """All occurrences of the same words in one field. One checkbox dismisses them together."""

    field: str
    kind: str
    is_certain: bool  # must be removed, cannot be dismissed
    dismissal: str  # value of the checkbox
    is_dismissed: bool
    places: list[PIIPlace]

    @property
    def is_unresolved(self) -> bool:
        return self.is_certain or not self.is_dismissed

    @property
    def label(self) -> str | Promise:
        return FIELD_LABELS[self.field]


FIELD_LABELS: dict[str, str | Promise] = {
    "title": _("Title"),
    "description": _("Description"),
    "prompt": _("Caller’s prompt"),
    "evaluator_context": _("Evaluator context"),
    "relevant_policy_sections": _("Relevant policy sections"),
}


def read_checked_texts(data: QueryDict) -> dict[str, str]:
    """Return the texts to check, as typed but truncated to their limits. Longer texts cannot be saved."""
    limits = TEXT_LIMITS | {"title": Scenario._meta.get_field("title").max_length}
    return {name: (data.get(name) or "").replace("\r\n", "\n")[: limits[name]] for name in PII_CHECKED_FIELDS}


def read_dismissed(data: QueryDict) -> set[str]:
    """Return the values of the checked boxes, each of which dismisses words that are not about a real person."""
    return {value.replace("\r\n", "\n") for value in data.getlist("dismissed")}


def group_findings(
    draft: ScenarioDraft, texts: Mapping[str, str], dismissed: Collection[str] = frozenset()
) -> list[PIIFinding]:
    """Return the findings in field order, dismissed ones included, so that a dismissal can be undone."""
    found: dict[str, PIIFinding] = {}
    for match in find_draft_pii(draft, texts):
        key = dismissal(match)
        finding = PIIFinding(
            match.field, translate(match.kind.label), match.kind.is_certain, key, key in dismissed, places=[]
        )
        found.setdefault(key, finding).places.append(_build_place(texts[match.field], match))
    return list(found.values())


def count_unresolved(found: Iterable[PIIFinding]) -> int:
    """Return the number of findings that still prevent saving."""
    return sum(finding.is_unresolved for finding in found)


def _build_place(text: str, match: PIIMatch) -> PIIPlace:
    before, after = text[: match.start], text[match.end :]
    start = _count_utf16_units(before)
    same_line = (before.rpartition("\n")[2], after.partition("\n")[0])
    return PIIPlace(
        start=start,
        end=start + _count_utf16_units(match.text),
        before=same_line[0] if len(same_line[0]) <= CONTEXT_CHARACTERS else f"…{same_line[0][-CONTEXT_CHARACTERS:]}",
        passage=match.text,
        after=same_line[1] if len(same_line[1]) <= CONTEXT_CHARACTERS else f"{same_line[1][:CONTEXT_CHARACTERS]}…",
    )


def _count_utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
