"""Groups of checks on the feedback page: what to work on, then the rubric's branches, then what did not apply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.utils.translation import gettext as _

from evaluation.grading.rubric import BRANCHES
from evaluation.models import CriterionResult


class MarkedCheck(Protocol):
    """The parts of a check that its group depends on."""

    @property
    def result(self) -> CriterionResult: ...

    @property
    def mark(self) -> str: ...


Shown = TypeVar("Shown", bound=MarkedCheck)


@dataclass(frozen=True)
class CheckGroup(Generic[Shown]):
    """Checks under one title, and how many of all checks of that title were met."""

    key: str  # the group's anchor
    title: str
    checks: Sequence[Shown]
    met: int
    counted: int  # checks that apply


def group_checks(checks: Sequence[Shown]) -> list[CheckGroup[Shown]]:
    """Group checks. Missed ones come first, crossed red lines and weighty checks at their top."""
    missed = sorted(
        (one for one in checks if one.mark in {"not_met", "crossed"}),
        key=lambda one: (one.mark != "crossed", -one.result.weight, one.result.position),
    )
    skipped = [one for one in checks if not one.mark]
    groups = [CheckGroup("to-work-on", _("To work on"), missed, 0, len(missed))] if missed else []
    groups += _group_by_branch(checks)
    return [*groups, CheckGroup("did-not-apply", _("Did not apply"), skipped, 0, 0)] if skipped else groups


def _group_by_branch(checks: Sequence[Shown]) -> list[CheckGroup[Shown]]:
    """Group met checks under the titles of the rubric's branches: red lines first, the scenario's own checks last."""
    branches: dict[str, list[Shown]] = {}
    for one in sorted(checks, key=lambda one: not one.result.is_red_line):
        if one.mark:
            branches.setdefault(_branch_of(one.result), []).append(one)
    groups = []
    for key, rows in branches.items():
        met = [one for one in rows if one.mark == "met"]
        if met:
            groups.append(CheckGroup(f"group-{key}", _group_title(key), met, len(met), len(rows)))
    return groups


def _branch_of(row: CriterionResult) -> str:
    if row.source != CriterionResult.Source.RUBRIC:
        return "scenario"
    return row.branch if row.branch in BRANCHES else "general"


def _group_title(key: str) -> str:
    own = {"scenario": _("Scenario criteria"), "general": _("General criteria")}
    return own.get(key) or _(BRANCHES[key])
