from scenarios.admin.scenario_form import LIMITS
from scenarios.linting import advise


def advice_on(prompt, evaluator_context, mode):
    """Advice by field, each with the passage that it is about."""
    texts = {"prompt": prompt, "evaluator_context": evaluator_context}
    # What is longer cannot be saved; its beginning is read.
    texts = {name: text.replace("\r\n", "\n")[: LIMITS[name]] for name, text in texts.items()}
    found: dict[str, list[dict[str, object]]] = {name: [] for name in texts}
    if not any(texts.values()):
        return found
    for advice in advise(**texts, mode=mode):
        found[advice.field].append({"advice": advice, "passage": texts[advice.field][advice.start : advice.end]})
    return found
