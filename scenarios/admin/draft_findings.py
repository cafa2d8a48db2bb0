"""What of a complaint's people stands in a draft's fields, as it is shown: by words, each with its places."""

from dataclasses import dataclass

from scenarios.admin.scenario_form import LIMITS
from scenarios.models import Scenario
from scenarios.services.drafts import CHECKED, dismissal, personal_in

AROUND = 40  # characters of context on each side of a passage


@dataclass(frozen=True)
class Place:
    """A passage with what stands around it. `start` and `end` are a browser's: it counts UTF-16 units."""

    start: int
    end: int
    before: str
    passage: str
    after: str


@dataclass
class Finding:
    """The same words in the same field, for which one tick counts."""

    field: str
    kind: str
    is_certain: bool
    dismissal: str
    is_dismissed: bool
    places: list[Place]

    @property
    def is_left(self):
        return self.is_certain or not self.is_dismissed

    @property
    def label(self):
        return LABELS[self.field]


LABELS = {
    "title": "Title",
    "description": "Description",
    "prompt": "Caller's prompt",
    "evaluator_context": "Evaluator context",
    "relevant_policy_sections": "Relevant policy sections",
}


def texts_of(data):
    """The checked fields as they were typed. What is longer than a scenario may be cannot be saved: its beginning."""
    limits = LIMITS | {"title": Scenario._meta.get_field("title").max_length}
    return {name: (data.get(name) or "").replace("\r\n", "\n")[: limits[name]] for name in CHECKED}


def dismissed_in(data):
    """What was ticked as not about a real person."""
    return {value.replace("\r\n", "\n") for value in data.getlist("dismissed")}


def findings(draft, texts, dismissed=frozenset()):
    """What is to be shown, in the order of the fields; ticked ones, too, so that a tick can be taken back."""
    found: dict[str, Finding] = {}
    for one in personal_in(draft, texts):
        key = dismissal(one)
        finding = Finding(one.field, one.kind.label, one.kind.is_certain, key, key in dismissed, places=[])
        found.setdefault(key, finding).places.append(_place(texts[one.field], one))
    return list(found.values())


def left_of(found):
    """How many of them still stand in the way of saving."""
    return sum(finding.is_left for finding in found)


def _place(text, one):
    before, after = text[: one.start], text[one.end :]
    start = _units(before)
    same_line = (before.rpartition("\n")[2], after.partition("\n")[0])
    return Place(
        start=start,
        end=start + _units(one.text),
        before=same_line[0] if len(same_line[0]) <= AROUND else f"…{same_line[0][-AROUND:]}",
        passage=one.text,
        after=same_line[1] if len(same_line[1]) <= AROUND else f"{same_line[1][:AROUND]}…",
    )


def _units(text):
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
