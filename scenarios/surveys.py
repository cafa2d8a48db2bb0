"""What the visitor of a chat filled in before it, as many lines ask: part of a scenario, read by both sides."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

LONGEST = {"age": 20, "area": 100, "concerns": 300}
SUICIDE = {"yes": "yes", "no": "no", "unsure": "not sure", "skipped": "did not say"}
LABELS = {
    "age": "Age",
    "area": "Where from",
    "concerns": "Concerns",
    "upset": "How upset, 1 to 5",
    "suicide": "Thoughts of suicide",
}


class Survey(TypedDict, total=False):
    """All of it is optional: visitors skip what they like."""

    age: str
    area: str
    concerns: str
    upset: int
    suicide: str


def cleaned_survey(raw: Mapping[str, Any] | None) -> Survey:
    """A survey without what was left out. Raises ValidationError with the fields that are wrong."""
    found: Survey = {}
    errors: dict[str, str] = {}
    for name, value in (raw or {}).items():
        if value in (None, ""):
            continue
        if name in LONGEST and isinstance(value, str) and len(value) <= LONGEST[name]:
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
    if name in LONGEST:
        return f"A text of at most {LONGEST[name]} characters is wanted here."
    if name == "upset":
        return "A number from 1 to 5 is wanted here."
    return f"One of {', '.join(SUICIDE)} is wanted here." if name == "suicide" else "There is no such question."


def survey_lines(survey: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Question and answer, as they are read; nothing for a survey that nobody filled in."""
    shown = {**survey, "suicide": SUICIDE.get(survey["suicide"], "")} if "suicide" in survey else survey
    return [(label, str(shown[name])) for name, label in LABELS.items() if shown.get(name)]
