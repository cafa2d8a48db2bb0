"""Previews of the checks that will be graded, for pages, the API, and the import command."""

from dataclasses import dataclass, field
from typing import TypedDict

from scenarios.linting.criteria_parser import LeftOutLine
from scenarios.models.scenario_checks import CheckPlan, ScenarioCheck, plan_checks
from scenarios.services.message_translation import translate


class LeftOutText(TypedDict):
    """A line of an evaluator context that is not graded, with the reason in the active language."""

    line: int  # from 1
    text: str
    reason: str


@dataclass(frozen=True)
class CheckPreview:
    """The checks of one scenario as its sessions will be graded."""

    checks: list[ScenarioCheck] = field(default_factory=list)
    is_proposed: bool = True  # False if the author edited them
    left_out: list[LeftOutText] = field(default_factory=list)


def preview_checks(edited: list[ScenarioCheck], evaluator_context: str) -> CheckPreview:
    return describe_plan(plan_checks(edited, evaluator_context))


def describe_plan(plan: CheckPlan) -> CheckPreview:
    return CheckPreview(plan.checks, plan.is_proposed, [_describe_line(line) for line in plan.left_out])


def _describe_line(line: LeftOutLine) -> LeftOutText:
    return {"line": line.line, "text": line.text, "reason": translate(line.reason)}
