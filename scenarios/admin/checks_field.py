"""The checks of a scenario as a table in its form."""

from django import forms
from django.template.loader import render_to_string

from scenarios.checks import USUAL_WEIGHT, WEIGHTS, cleaned_checks
from scenarios.criteria import MOST_POINTS

BLANK_ROWS = 2


class ChecksWidget(forms.Widget):
    """One line for each check and some blank ones. Sent as `checks-0-text`, `checks-0-weight` and so on."""

    def render(self, name, value, attrs=None, renderer=None):
        rows = list(value or [])
        blank = {"text": "", "weight": USUAL_WEIGHT, "expected": "", "phrases": []}
        rows += [blank] * min(BLANK_ROWS, MOST_POINTS - len(rows))
        # Not by the form's renderer, which knows Django's own templates alone.
        context = {"rows": rows, "weights": WEIGHTS, "name": name}
        return render_to_string("admin/scenarios/scenario/_checks_widget.html", context)

    def value_from_datadict(self, data, files, name):
        """None where the table was not sent at all: then the checks stay as they are."""
        if f"{name}-0-text" not in data:
            return None
        rows = []
        for number in range(MOST_POINTS + BLANK_ROWS):
            text = data.get(f"{name}-{number}-text")
            if text is None:
                break
            weight = data.get(f"{name}-{number}-weight", "")
            rows.append(
                {
                    "text": text,
                    "weight": int(weight) if weight.isdecimal() else weight,
                    "expected": data.get(f"{name}-{number}-expected", ""),
                    "phrases": data.get(f"{name}-{number}-phrases", "").split(";"),
                }
            )
        return rows

    def value_omitted_from_data(self, data, files, name):
        return f"{name}-0-text" not in data


class ChecksField(forms.Field):
    widget = ChecksWidget

    def clean(self, value):
        return None if value is None else cleaned_checks(value)

    def has_changed(self, initial, data):
        return data is not None and cleaned_checks(data) != initial
