"""Form field that edits a scenario's checks as a table."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from scenarios.linting.criteria_parser import MAX_CRITERIA
from scenarios.models.scenario_checks import DEFAULT_WEIGHT, WEIGHTS, ScenarioCheck, clean_checks
from scenarios.services.check_previews import CheckPreview

BLANK_ROWS = 2  # for new checks
PHRASE_SEPARATOR = ";"  # between the phrases of one text box


class ChecksWidget(forms.Widget):
    """One row per check plus blank rows, submitted as `checks-0-text`, `checks-0-weight`, and so on."""

    preview: CheckPreview | None = None  # of the stored text; None if the form is shown again with an error
    template = "admin/scenarios/scenario/_checks_widget.html"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = list(value or [])
        blank = {"text": "", "weight": DEFAULT_WEIGHT, "expected": "", "phrases": []}
        rows += [blank] * max(0, min(BLANK_ROWS, MAX_CRITERIA - len(rows)))
        # The form's own renderer finds only Django's templates.
        context = {"rows": rows, "weights": WEIGHTS, "name": name, "preview": self.preview}
        return render_to_string(self.template, context)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, Any]] | None:
        """Return the submitted rows, or None if the table was not submitted. The checks then stay unchanged."""
        if f"{name}-0-text" not in data:
            return None
        rows = []
        # No limit here, so that `clean_checks` can report too many rows. Django limits the number of fields.
        for number in count():
            text = data.get(f"{name}-{number}-text")
            if text is None:
                break
            weight = data.get(f"{name}-{number}-weight", "")
            rows.append(
                {
                    "text": text,
                    "weight": int(weight) if weight.isdecimal() else weight,
                    "expected": data.get(f"{name}-{number}-expected", ""),
                    "phrases": data.get(f"{name}-{number}-phrases", "").split(PHRASE_SEPARATOR),
                }
            )
        return rows

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-0-text" not in data


class ChecksField(forms.Field):
    widget = ChecksWidget

    @staticmethod
    def as_submitted(checks: Sequence[ScenarioCheck]) -> list[ScenarioCheck]:
        """Return the checks as an unedited form sends them back: a phrase with a semicolon becomes two."""
        rows = [row | {"phrases": PHRASE_SEPARATOR.join(row["phrases"]).split(PHRASE_SEPARATOR)} for row in checks]
        return clean_checks(rows)

    def clean(self, value: Any) -> list[ScenarioCheck] | None:
        return None if value is None else clean_checks(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and clean_checks(data) != self.as_submitted(initial or [])
