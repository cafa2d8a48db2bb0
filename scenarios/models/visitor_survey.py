"""The survey that a chat visitor fills in before the chat. Both the caller and the counselor read it."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

MAX_LENGTHS = {"age": 20, "area": 100, "concerns": 300}  # characters
SUICIDE = {"yes": "yes", "no": "no", "unsure": "not sure", "skipped": "did not say"}
SURVEY_LABELS = {
    "age": "Age",
    "area": "Where from",
    "concerns": "Concerns",
    "upset": "How upset, 1 to 5",
    "suicide": "Thoughts of suicide",
}


class VisitorSurvey(TypedDict, total=False):
    """Survey answers. All are optional, because visitors may skip any question."""

    age: str
    area: str
    concerns: str
    upset: int  # 1 to 5
    suicide: str  # a key of SUICIDE


def clean_survey(raw: Mapping[str, Any] | None) -> VisitorSurvey:
    """Return the survey without empty answers. Raise ValidationError with the invalid fields."""
    found: VisitorSurvey = {}
    errors: dict[str, str] = {}
    for name, value in (raw or {}).items():
        if value in (None, ""):
            continue
        if name in MAX_LENGTHS and isinstance(value, str) and len(value) <= MAX_LENGTHS[name]:
            found[name] = value.strip()  # type: ignore[literal-required]
        elif name == "upset" and isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5:
            found["upset"] = value
        elif name == "suicide" and value in SUICIDE:
            found["suicide"] = value
        else:
            errors[name] = _problem(name)
    if errors:
        raise ValidationError(errors)
    return found


def _problem(name: str) -> str:
    if name in MAX_LENGTHS:
        return f"A text of at most {MAX_LENGTHS[name]} characters is wanted here."
    if name == "upset":
        return "A number from 1 to 5 is wanted here."
    return f"One of {', '.join(SUICIDE)} is wanted here." if name == "suicide" else "There is no such question."


def format_survey(survey: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return labels and answers for display, or an empty list for an empty survey."""
    shown = {**survey, "suicide": SUICIDE.get(survey["suicide"], "")} if "suicide" in survey else survey
    return [(label, str(shown[name])) for name, label in SURVEY_LABELS.items() if shown.get(name)]
