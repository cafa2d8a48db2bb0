"""Writing advice for scenario and draft forms."""

from scenarios.admin.scenario_form import TEXT_LIMITS
from scenarios.linting import lint_scenario


def group_advice_by_field(prompt, evaluator_context, mode):
    """Return advice by field, each with the passage it refers to."""
    texts = {"prompt": prompt, "evaluator_context": evaluator_context}
    # Longer texts cannot be saved, so only the part within the limit is checked.
    texts = {name: text.replace("\r\n", "\n")[: TEXT_LIMITS[name]] for name, text in texts.items()}
    found: dict[str, list[dict[str, object]]] = {name: [] for name in texts}
    if not any(texts.values()):
        return found
    for advice in lint_scenario(**texts, mode=mode):
        found[advice.field].append({"advice": advice, "passage": texts[advice.field][advice.start : advice.end]})
    return found
