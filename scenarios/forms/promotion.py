"""Promotion of one-time scenarios: each one is read before it enters the library."""

from collections.abc import Iterable, Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scenarios.models import ContextUnavailableError, Scenario

MAX_PROMOTED_AT_ONCE = 20
MAX_DEMOTED_AT_ONCE = 500
_MAX_NAMED_TITLES = 10


def format_titles(titles: Sequence[str]) -> str:
    """Return the titles joined for a sentence, shortened after the first ten."""
    shown = ", ".join(f"“{title}”" for title in titles[:_MAX_NAMED_TITLES])
    if len(titles) <= _MAX_NAMED_TITLES:
        return shown
    return gettext("%(titles)s, and %(count)s more") % {"titles": shown, "count": len(titles) - _MAX_NAMED_TITLES}


def read_context_or_none(scenario: Scenario) -> str | None:
    """Return the evaluator context, or None if the storage is unavailable."""
    try:
        return scenario.evaluator_context
    except ContextUnavailableError:
        return None


class PromoteForm(forms.Form):
    """Form with a checkbox for each scenario, to confirm that it was read.

    The value includes the time of the last change, so a scenario that was edited after it was shown is not promoted.
    """

    read = forms.MultipleChoiceField(
        error_messages={
            "required": _("Select at least one scenario that you have read."),
            "invalid_choice": _("Nothing was promoted. A scenario was changed after it was shown here. Read it again."),
        }
    )

    def __init__(self, data: QueryDict | None, scenarios: Iterable[Scenario]) -> None:
        super().__init__(data)
        self.scenarios = {f"{scenario.pk} {scenario.updated_at.isoformat()}": scenario for scenario in scenarios}
        self.fields["read"].choices = [(key, scenario.title) for key, scenario in self.scenarios.items()]  # type: ignore[attr-defined]

    @property
    def checked_scenarios(self) -> list[Scenario]:
        return [self.scenarios[key] for key in self.cleaned_data["read"]]

    def scenario_rows(self) -> list[tuple[Scenario, str | None, str, bool]]:
        """Return each scenario with its context, the value of its checkbox, and whether it is checked."""
        checked = self.data.getlist("read") if self.is_bound else []  # type: ignore[attr-defined]
        return [
            (scenario, read_context_or_none(scenario), key, key in checked) for key, scenario in self.scenarios.items()
        ]
