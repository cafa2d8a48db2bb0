"""Advice to whoever writes a scenario, shown while writing. It never stops anyone, and it only knows English."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenarios.linting.criteria import criteria_findings
from scenarios.linting.messages import MESSAGES
from scenarios.linting.prompt import prompt_findings
from scenarios.passages import Found

# Several messages for one kind of weakness.
_CODES = {"copied_grading": "leaks_grading", "split_criterion": "doubled_criterion"}
_CODES |= {key: "unseen_criterion" for key in MESSAGES if key.startswith("unseen_")}


@dataclass(frozen=True)
class Advice:
    """One weak passage, text[start:end] of the field; 0, 0 where something is missing."""

    field: str
    code: str
    message: str
    start: int
    end: int


def advise(*, prompt: str, evaluator_context: str, mode: str = "phone") -> list[Advice]:
    """What could be written better: first of the prompt, then of the evaluator context, each in its order.

    Never raises; takes time in proportion to the texts.
    """
    return [
        *_in_order("prompt", prompt_findings(prompt, evaluator_context)),
        *_in_order("evaluator_context", criteria_findings(evaluator_context, mode)),
    ]


def _in_order(field: str, found: Iterable[Found]) -> Iterator[Advice]:
    for key, passage in sorted(found, key=lambda each: each[1].start):
        yield Advice(field, _CODES.get(key, key), MESSAGES[key], passage.start, passage.end)
