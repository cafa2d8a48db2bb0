"""Admin page for scenario drafts that can be assigned when they are saved."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import QueryDict

from accounts.models import User
from accounts.web.requests import AuthenticatedRequest
from scenarios.admin.draft_forms import DraftForm
from scenarios.admin.drafts import DraftAdmin
from scenarios.models import Scenario, ScenarioDraft
from training.forms import TERM_FIELDS, AssignScenarioForm
from training.services.one_time_scenarios import assign_new_scenario

FOR_LIBRARY, FOR_ONE_TIME = "library", "one_time"


class DraftPurposeForm(AssignScenarioForm):
    """Choice between the library and a one-time scenario, with the counselors who get it at once."""

    purpose = forms.ChoiceField(
        label="Save it",
        choices=[
            (FOR_LIBRARY, "For the library: it can be assigned to every counselor"),
            (FOR_ONE_TIME, "One-time: only for the counselors chosen here, absent from the library"),
        ],
        initial=FOR_LIBRARY,
        widget=forms.RadioSelect,
    )

    field_order = ["purpose"]

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["counselors"].required = False
        self.fields["counselors"].label = "And assign it at once to"

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("counselors") or "counselors" in self.errors:
            return self.cleaned_data
        if self.cleaned_data.get("purpose") == FOR_ONE_TIME:
            self.add_error("counselors", "A one-time scenario is made for somebody: choose at least one counselor.")
        elif any(self.cleaned_data.get(name) for name in TERM_FIELDS):
            self.add_error("counselors", "You typed something for an assignment: choose who is to be assigned.")
        return self.cleaned_data


@admin.register(ScenarioDraft)
class AssignableDraftAdmin(DraftAdmin):
    def get_assignment_form(
        self, request: AuthenticatedRequest, data: QueryDict | None = None
    ) -> DraftPurposeForm | None:
        return DraftPurposeForm(request.user, data) if request.user.has_perm("training.add_assignment") else None

    def get_scenario_fields(self, form: DraftForm, giving: DraftPurposeForm | None) -> dict[str, Any]:
        is_one_time = giving is not None and giving.cleaned_data["purpose"] == FOR_ONE_TIME
        return super().get_scenario_fields(form, giving) | {"is_one_time": is_one_time}

    def finish_save(self, request: AuthenticatedRequest, scenario: Scenario, giving: DraftPurposeForm | None) -> str:
        shelf: str = "one-time" if scenario.is_one_time else super().finish_save(request, scenario, giving)
        if giving is None or not giving.cleaned_data["counselors"]:
            return shelf
        assign_new_scenario(scenario, giving.cleaned_data["counselors"], request.user, **giving.terms)
        return f"{shelf}, and assigned to {', '.join(map(str, giving.cleaned_data['counselors']))}"
