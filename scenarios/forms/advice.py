"""Writing advice for scenario and draft forms."""

from dataclasses import dataclass

from scenarios.forms.scenario_form import TEXT_LIMITS
from scenarios.linting import lint_scenario
from scenarios.services.message_translation import translate


@dataclass(frozen=True)
class ShownAdvice:
    """Advice and the passage that it refers to. The passage is empty if the advice is about missing text."""

    message: str
    passage: str
    start: int  # characters
    end: int  # characters


def group_advice_by_field(prompt: str, evaluator_context: str, mode: str) -> dict[str, list[ShownAdvice]]:
    """Return the advice on the prompt and the evaluator context, by field name."""
    texts = {"prompt": prompt, "evaluator_context": evaluator_context}
    # Longer texts cannot be saved, so only the part within the limit is checked.
    texts = {name: text.replace("\r\n", "\n")[: TEXT_LIMITS[name]] for name, text in texts.items()}
    found: dict[str, list[ShownAdvice]] = {name: [] for name in texts}
    if not any(texts.values()):
        return found
    for advice in lint_scenario(**texts, mode=mode):
        passage = texts[advice.field][advice.start : advice.end]
        found[advice.field].append(ShownAdvice(translate(advice.message), passage, advice.start, advice.end))
    return found
