"""The survey of a chat's visitor as five small fields in a scenario's form."""

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string

from scenarios.surveys import LABELS, LONGEST, SUICIDE, cleaned_survey


class SurveyWidget(forms.Widget):
    """Sent as `visitor_survey-age`, `visitor_survey-area` and so on."""

    def render(self, name, value, attrs=None, renderer=None):
        # Not by the form's renderer, which knows Django's own templates alone.
        context = {
            "name": name,
            "texts": [(part, LABELS[part], longest, (value or {}).get(part, "")) for part, longest in LONGEST.items()],
            "value": value or {},
            "labels": LABELS,
            "upset": range(1, 6),
            "suicide": SUICIDE.items(),
        }
        return render_to_string("admin/scenarios/scenario/_survey_widget.html", context)

    def value_from_datadict(self, data, files, name):
        """None where it was not sent at all: then the survey stays as it is."""
        sent = {part: data[f"{name}-{part}"] for part in LABELS if f"{name}-{part}" in data}
        if "upset" in sent and str(sent["upset"]).isdecimal():
            sent["upset"] = int(sent["upset"])
        return sent or None

    def value_omitted_from_data(self, data, files, name):
        return not any(f"{name}-{part}" in data for part in LABELS)


class SurveyFormField(forms.Field):
    widget = SurveyWidget

    def clean(self, value):
        """The survey as it is kept; None where it was not sent."""
        try:
            return None if value is None else cleaned_survey(value)
        except ValidationError as error:
            words = [f"{LABELS.get(part, part)}: {problems[0]}" for part, problems in error.message_dict.items()]
            raise forms.ValidationError(words) from error

    def has_changed(self, initial, data):
        return data is not None and self.clean(data) != (initial or {})
