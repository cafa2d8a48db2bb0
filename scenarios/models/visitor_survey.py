"""The survey that a chat visitor fills in before the chat. Both the caller and the counselor read it."""

from collections.abc import Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.web.visible_text import strip_blank

MAX_LENGTHS = {"age": 20, "area": 100, "concerns": 300}  # characters
SURVEY_LABELS = {
    "age": _("Age"),
    "area": _("Location"),
    "concerns": _("Concerns"),
    "upset": _("How upset, from 1 to 5"),
    "suicide": _("Thoughts of suicide"),
}
SUICIDE = {"yes": _("Yes"), "no": _("No"), "unsure": _("Not sure"), "skipped": _("Did not say")}
# The caller model reads these, so they are part of its prompt and are not translated.
_PROMPT_LABELS = {
    "age": "Age",
    "area": "Where from",
    "concerns": "Concerns",
    "upset": "How upset, 1 to 5",
    "suicide": "Thoughts of suicide",
}
_PROMPT_SUICIDE = {"yes": "yes", "no": "no", "unsure": "not sure", "skipped": "did not say"}


class VisitorSurvey(TypedDict, total=False):
    """Survey answers. All are optional, because visitors may skip any question."""

    age: str
    area: str
    concerns: str
    upset: int  # 1 to 5
    suicide: str  # a key of SUICIDE


def clean_survey(raw: Mapping[str, Any] | None) -> VisitorSurvey:
    """Return the survey without empty answers. Raise ValidationError with the invalid fields."""
    cleaned: VisitorSurvey = {}
    errors: dict[str, str] = {}
    for name, value in (raw or {}).items():
        if value in (None, ""):
            continue
        if name in MAX_LENGTHS and isinstance(value, str) and len(value) <= MAX_LENGTHS[name]:
            cleaned[name] = strip_blank(value)  # type: ignore[literal-required]
        elif name == "upset" and isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5:
            cleaned["upset"] = value
        elif name == "suicide" and value in SUICIDE:
            cleaned["suicide"] = value
        else:
            errors[name] = _explain_invalid(name)
    if errors:
        raise ValidationError(errors)
    return cleaned


def _explain_invalid(name: str) -> str:
    if name in MAX_LENGTHS:
        return gettext("Enter text of at most %(most)s characters.") % {"most": MAX_LENGTHS[name]}
    if name == "upset":
        return gettext("Enter a whole number from 1 to 5.")
    if name == "suicide":
        return gettext("Enter one of these: %(choices)s.") % {"choices": ", ".join(SUICIDE)}
    return gettext("The survey has no such question.")


def format_survey(survey: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return labels and answers for a page, or an empty list for an empty survey."""
    return _label_answers(survey, SURVEY_LABELS, SUICIDE)


def format_survey_for_prompt(survey: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return labels and answers for the caller's prompt, or an empty list for an empty survey."""
    return _label_answers(survey, _PROMPT_LABELS, _PROMPT_SUICIDE)


def _label_answers(
    survey: Mapping[str, Any], labels: Mapping[str, str | Promise], suicide: Mapping[str, str | Promise]
) -> list[tuple[str, str]]:
    answers = {**survey, "suicide": suicide.get(survey["suicide"], "")} if "suicide" in survey else survey
    return [(str(label), str(answers[name])) for name, label in labels.items() if answers.get(name)]
