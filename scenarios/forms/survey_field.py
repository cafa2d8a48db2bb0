"""Form field that edits a chat visitor's survey as five inputs."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from scenarios.models.visitor_survey import MAX_LENGTHS, SUICIDE, SURVEY_LABELS, VisitorSurvey, clean_survey


class SurveyWidget(forms.Widget):
    """Five inputs, submitted as `visitor_survey-age`, `visitor_survey-area`, and so on."""

    template = "admin/scenarios/scenario/_survey_widget.html"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        # The form's own renderer finds only Django's templates.
        context = {
            "name": name,
            "texts": [
                (part, SURVEY_LABELS[part], max_length, (value or {}).get(part, ""))
                for part, max_length in MAX_LENGTHS.items()
            ],
            "value": value or {},
            "labels": SURVEY_LABELS,
            "upset": range(1, 6),
            "suicide": SUICIDE.items(),
        }
        return render_to_string(self.template, context)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[str, Any] | None:
        """Return the submitted answers, or None if none were submitted. The survey then stays unchanged."""
        submitted: dict[str, Any] = {part: data[f"{name}-{part}"] for part in SURVEY_LABELS if f"{name}-{part}" in data}
        if "upset" in submitted and str(submitted["upset"]).isdecimal():
            submitted["upset"] = int(submitted["upset"])
        return submitted or None

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return not any(f"{name}-{part}" in data for part in SURVEY_LABELS)


class SurveyFormField(forms.Field):
    widget = SurveyWidget

    def clean(self, value: Any) -> VisitorSurvey | None:
        """Return the cleaned survey, or None if it was not submitted."""
        try:
            return None if value is None else clean_survey(value)
        except ValidationError as error:
            messages = [
                gettext("%(field)s: %(problem)s") % {"field": SURVEY_LABELS.get(part, part), "problem": problems[0]}
                for part, problems in error.message_dict.items()
            ]
            raise forms.ValidationError(messages) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and self.clean(data) != (initial or {})
