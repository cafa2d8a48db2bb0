"""Eight weeks of practice for the demo, put together from `fixtures/demo/scripts.json` and `fixtures/demo/course.json`.

A script holds the moments of one scenario's conversation, each in a strong and a weak version. The course says who
practiced when, and which moments were weak.
"""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evaluation.demo.accounts import FOLDER
from evaluation.demo.conversations import RecordedConversation, RecordedReview
from training.transcript import SpeakerRole

_ALWAYS_MET = {
    "one_question": ("", "One question at a time."),
    "boundaries": ("", "Stays in the role throughout."),
    "honest_limits": ("", "Promises nothing that cannot be kept."),
}
_MOST_STRENGTHS, _MOST_CHANGES = 3, 3
_REVIEWED_CHECKS = 6  # checks that a reviewer agrees with in one conversation


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Improvement(_Strict):
    """A change that the feedback proposes for a weak moment."""

    quote: str
    goal: str
    effect: str
    better_wording: str
    why: str


class Version(_Strict):
    """One version of a moment: the counselor's and the caller's turns in alternation, and their verdicts."""

    turns: list[str]  # the counselor begins
    met: dict[str, tuple[str, str]] = {}  # key of a check: the words that meet it, and the reason
    not_met: dict[str, str] = {}  # key of a check: reason
    cite: dict[str, str] = {}  # key of a check: section of the main account's procedures
    praise: tuple[str, str] | None = None  # words, and why they worked
    improvement: Improvement | None = None
    summary: str
    next: str = ""  # what to practice next


class Moment(_Strict):
    """A part of a conversation, opened by the caller."""

    name: str
    needs: str = ""  # name of an earlier moment without whose strong version this one does not happen
    caller: str
    caller_after_weak: str = ""  # the caller's words after a weak moment, if they differ
    strong: Version
    weak: Version
    crossed: Version | None = None  # a version that crosses a red line


class Script(_Strict):
    """The moments of one scenario's conversation."""

    scenario: str  # title
    moments: list[Moment]


class Dispute(_Strict):
    """A counselor's objection to a verdict."""

    key: str
    text: str


class Practice(_Strict):
    """One conversation of the course."""

    counselor: str  # email
    scenario: str  # title
    days_ago: int
    weak: list[str]  # names of moments
    crossed: str = ""  # name of the moment in which a red line is crossed
    is_recorded: bool = False  # whether the call has audio
    dispute: Dispute | None = None


class Counselor(_Strict):
    """A counselor of the course."""

    email: str
    first_name: str
    last_name: str
    cohort: str


class OpenAssignment(_Strict):
    """An assignment that nobody has started."""

    counselor: str  # email
    scenario: str  # title
    due_in_days: int


class Reviews(_Strict):
    """Which conversations of the course are reviewed, and by whom in turn."""

    every: int
    by: list[str]  # emails


class Course(_Strict):
    """Everything that happened at the demo's center in eight weeks."""

    first_names: dict[str, str]  # by email, of the counselors that `load_demo` adds itself
    counselors: list[Counselor]
    assignments: list[OpenAssignment]
    practice: list[Practice]
    reviews: Reviews


def read_course() -> Course:
    return Course.model_validate_json((FOLDER / "course.json").read_text())


def write_conversations(course: Course) -> list[tuple[RecordedConversation, Practice]]:
    """Return the course's conversations, oldest first."""
    rows = json.loads((FOLDER / "scripts.json").read_text())
    scripts = {script.scenario: script for script in map(Script.model_validate, rows)}
    names = course.first_names | {row.email: row.first_name for row in course.counselors}
    oldest_first = sorted(course.practice, key=lambda one: (-one.days_ago, one.counselor))
    return [
        (_write_conversation(scripts[one.scenario], one, names[one.counselor], _reviewer(course, number)), one)
        for number, one in enumerate(oldest_first)
    ]


def _reviewer(course: Course, number: int) -> str:
    turn, rest = divmod(number, course.reviews.every)
    return "" if rest else course.reviews.by[turn % len(course.reviews.by)]


def _write_conversation(script: Script, practice: Practice, name: str, reviewer: str) -> RecordedConversation:
    played = _choose_versions(script, practice)
    versions = [version for _moment, version, _kind in played]
    strong = [version for _moment, version, kind in played if kind == "strong"]
    weak = [version for _moment, version, kind in played if kind != "strong"]
    met = {key: pair for version in versions for key, pair in version.met.items()} | _ALWAYS_MET
    not_met = {key: reason for version in versions for key, reason in version.not_met.items()}
    met = {key: (quote.format(name=name), reason) for key, (quote, reason) in met.items() if key not in not_met}
    praised = [version.praise for version in strong if version.praise][:_MOST_STRENGTHS]
    changes = [version.improvement for version in weak if version.improvement][:_MOST_CHANGES]
    summaries = [version.summary for version in (*strong[:2], *weak[:1])]
    agreed = [*met, *not_met][:_REVIEWED_CHECKS]
    return RecordedConversation(
        counselor=practice.counselor,
        scenario=practice.scenario,
        days_ago=practice.days_ago,
        is_recorded=practice.is_recorded,
        turns=_list_turns(played, name),
        met=met,
        not_met=not_met,
        citations={key: section for version in versions for key, section in version.cite.items()},
        rationale=" ".join(summaries),
        went_well=[{"quote": quote.format(name=name), "why": why} for quote, why in praised],
        improvements=[change.model_dump() | {"quote": change.quote.format(name=name)} for change in changes],
        learning_objective=weak[0].next if weak else "Practice with a caller who says less.",
        reflection_questions=["When did the caller begin to tell more?", "Which of your sentences would you keep?"],
        reviews=[RecordedReview(by=reviewer, agree=agreed, overrule={})] if reviewer else [],
    )


Kind = Literal["strong", "weak", "crossed"]


def _choose_versions(script: Script, practice: Practice) -> list[tuple[Moment, Version, Kind]]:
    """Return the moments that happen, each in the version that the course names."""
    played: list[tuple[Moment, Version, Kind]] = []
    missed = {*practice.weak, practice.crossed}
    for moment in script.moments:
        if moment.needs in missed - {""}:
            continue
        if moment.name == practice.crossed and moment.crossed:
            played.append((moment, moment.crossed, "crossed"))
        elif moment.name in practice.weak:
            played.append((moment, moment.weak, "weak"))
        else:
            played.append((moment, moment.strong, "strong"))
    return played


def _list_turns(played: list[tuple[Moment, Version, Kind]], name: str) -> list[tuple[SpeakerRole, str]]:
    turns: list[tuple[SpeakerRole, str]] = []
    last: Kind = "strong"
    for moment, version, kind in played:
        opening = moment.caller_after_weak if last != "strong" and moment.caller_after_weak else moment.caller
        if turns and turns[-1][0] == SpeakerRole.CALLER:
            turns[-1] = (SpeakerRole.CALLER, f"{turns[-1][1]} {opening}")
        else:
            turns.append((SpeakerRole.CALLER, opening))
        for number, text in enumerate(version.turns):
            speaker = SpeakerRole.CALLER if number % 2 else SpeakerRole.COUNSELOR
            turns.append((speaker, text.format(name=name)))
        last = kind
    return turns
