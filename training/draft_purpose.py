"""Where a draft is saved to: the library, or a one-time scenario with the counselors who get it at once."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scenarios.models import Scenario
from training.forms import AssignScenarioForm
from training.models import TERM_FIELDS
from training.services.one_time_scenarios import assign_new_scenario

FOR_LIBRARY, FOR_ONE_TIME = "library", "one_time"


class DraftPurposeForm(AssignScenarioForm):
    """Choice between the library and a one-time scenario, with the counselors who get it at once."""

    purpose = forms.ChoiceField(
        label=_("Save to"),
        choices=[
            (FOR_LIBRARY, _("The library, where it can be assigned to any counselor")),
            (FOR_ONE_TIME, _("One-time use, only for the counselors you choose here")),
        ],
        initial=FOR_LIBRARY,
        widget=forms.RadioSelect,
    )

    field_order = ["purpose"]

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["counselors"].required = False
        self.fields["counselors"].label = gettext("Assign now to")

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("counselors") or "counselors" in self.errors:
            return self.cleaned_data
        if self.cleaned_data.get("purpose") == FOR_ONE_TIME:
            self.add_error("counselors", gettext("Choose at least one counselor for a one-time scenario."))
        elif not {*TERM_FIELDS}.isdisjoint(self.changed_data):
            self.add_error("counselors", gettext("Choose the counselors that these assignment details are for."))
        return self.cleaned_data

    def scenario_fields(self) -> dict[str, Any]:
        return {"is_one_time": self.cleaned_data["purpose"] == FOR_ONE_TIME}

    def finish(self, scenario: Scenario, by: User) -> str:
        """Assign the new scenario to the chosen counselors, if any. Return a sentence about what was done."""
        counselors = self.cleaned_data["counselors"]
        if not counselors:
            return gettext("It is a one-time scenario.") if scenario.is_one_time else gettext("It is in the library.")
        assign_new_scenario(scenario, counselors, by, **self.terms)
        message = (
            gettext("It is a one-time scenario and was assigned to %(counselors)s.")
            if scenario.is_one_time
            else gettext("It is in the library and was assigned to %(counselors)s.")
        )
        return message % {"counselors": ", ".join(map(str, counselors))}


def purpose_form_for(user: User, data: QueryDict | None = None) -> DraftPurposeForm | None:
    """Return the form, or None for people who cannot assign. Their drafts go to the library."""
    return DraftPurposeForm(user, data) if user.has_perm("training.add_assignment") else None
