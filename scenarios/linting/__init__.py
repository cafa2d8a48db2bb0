"""Advice for authors while they write a scenario, in English only. It never blocks saving."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenarios.linting.evaluator_context_rules import lint_evaluator_context
from scenarios.linting.messages import MESSAGES
from scenarios.linting.passages import LintFinding
from scenarios.linting.prompt_rules import lint_prompt
from scenarios.messages import Message

# Several messages can share one code.
_CODES = {"copied_grading": "leaks_grading", "split_criterion": "doubled_criterion"}
_CODES |= {key: "unseen_criterion" for key in MESSAGES if key.startswith("unseen_")}


@dataclass(frozen=True)
class LintAdvice:
    """Advice on one weak passage, text[start:end] of the field. Both offsets are 0 if text is missing."""

    field: str  # `prompt` or `evaluator_context`
    code: str
    message: Message
    start: int  # characters
    end: int  # characters


def lint_scenario(*, prompt: str, evaluator_context: str, mode: str = "phone") -> list[LintAdvice]:
    """Return advice on the prompt, then on the evaluator context, each in text order.

    Never raise. The time taken is proportional to the length of the texts.
    """
    return [
        *_in_order("prompt", lint_prompt(prompt, evaluator_context)),
        *_in_order("evaluator_context", lint_evaluator_context(evaluator_context, mode)),
    ]


def _in_order(field: str, found: Iterable[LintFinding]) -> Iterator[LintAdvice]:
    for key, passage in sorted(found, key=lambda finding: finding[1].start):
        yield LintAdvice(field, _CODES.get(key, key), MESSAGES[key], passage.start, passage.end)
