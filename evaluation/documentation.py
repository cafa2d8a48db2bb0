"""A comparison of documentation and transcript, verified: what a model claims of either must stand in it.

Accuracy is the share of what is written that was said, each gap weighing by how grave it is; compliance the share of
the guidelines that are kept; overall the mean of both, rounded down.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from evaluation.answers import Compared, Omission, Statement
from evaluation.proof import Line, find, prove

KINDS = {"unsupported": "fabrication", "contradicted": "inaccuracy", "minimized": "minimization"}
_WEIGHTS = {"minor": 1, "moderate": 2, "serious": 3}


@dataclass(frozen=True)
class Gap:
    """`written` stands in the documentation (or, for a rule, in the guidelines), `said` in turn `turn`."""

    kind: str
    severity: str
    written: str = ""
    turn: str = ""
    said: str = ""
    note: str = ""


@dataclass(frozen=True)
class Report:
    """From 0 to 100; compliance is None without guidelines."""

    accuracy: int
    compliance: int | None
    overall: int
    gaps: list[dict[str, Any]]


def report_of(compared: Compared, lines: Sequence[Line], documentation: str, guidelines: str) -> Report:
    supported = 0
    gaps: list[Gap] = []
    for statement in compared.statements:
        if statement.verdict == "supported":
            supported += bool(_words(statement.quote, documentation) and _said(statement, lines))
        elif gap := _gap(statement, lines, documentation):
            gaps.append(gap)
    gaps += [gap for one in compared.omissions if (gap := _omission(one, lines))]
    lost = sum(_WEIGHTS[gap.severity] for gap in gaps)
    rules = [rule for rule in compared.guidelines if _words(rule.rule, guidelines)]
    broken = [Gap("formatting", rule.severity, rule.rule, note=rule.note) for rule in rules if not rule.is_kept]
    accuracy = _share(supported, supported + lost)
    compliance = _share(len(rules) - len(broken), len(rules)) if rules else None
    overall = accuracy if compliance is None else (accuracy + compliance) // 2
    return Report(accuracy, compliance, overall, [asdict(gap) for gap in _gravest_first([*gaps, *broken])])


def _gap(statement: Statement, lines: Sequence[Line], documentation: str) -> Gap | None:
    """What was written must stand in the documentation; where something else was said, that must stand there, too."""
    if not _words(statement.quote, documentation):
        return None
    said = _said(statement, lines)
    if statement.verdict != "unsupported" and said is None:
        return None
    turn, words = said or ("", "")
    return Gap(KINDS[statement.verdict], statement.severity, statement.quote, turn, words, statement.note)


def _omission(one: Omission, lines: Sequence[Line]) -> Gap | None:
    said = _said(one, lines)
    return Gap("omission", one.severity, "", *said, one.note) if said else None


def _said(one: Statement | Omission, lines: Sequence[Line]) -> tuple[str, str] | None:
    """The turn and its words, of either side."""
    for of_counselor in (True, False):
        if quote := prove(one.evidence, one.turn, lines, of_counselor):
            return quote.turn, quote.text
    return None


def _words(quote: str, text: str) -> bool:
    return find(quote, text) is not None


def _share(part: int, whole: int) -> int:
    return int(Fraction(100 * part, whole)) if whole else 0


def _gravest_first(gaps: Sequence[Gap]) -> list[Gap]:
    return sorted(gaps, key=lambda gap: -_WEIGHTS[gap.severity])
