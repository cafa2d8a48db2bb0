from typing import Any

from django import forms
from django.contrib import admin
from django.http import QueryDict

from accounts.http import SignedInRequest
from accounts.models import User
from scenarios.admin.draft_forms import DraftForm
from scenarios.admin.drafts import DraftAdmin
from scenarios.models import Scenario, ScenarioDraft
from training.forms import TERMS, AssignForm
from training.services.one_time import give_new

LIBRARY, ONE_TIME = "library", "one_time"


class GivingForm(AssignForm):
    """Whether a draft is for everybody or for few, and who is given it at once."""

    purpose = forms.ChoiceField(
        label="Save it",
        choices=[
            (LIBRARY, "For the library: it can be assigned to every counselor"),
            (ONE_TIME, "One-time: only for the counselors chosen here, absent from the library"),
        ],
        initial=LIBRARY,
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
        if self.cleaned_data.get("purpose") == ONE_TIME:
            self.add_error("counselors", "A one-time scenario is made for somebody: choose at least one counselor.")
        elif any(self.cleaned_data.get(name) for name in TERMS):
            self.add_error("counselors", "You typed something for an assignment: choose who is to be assigned.")
        return self.cleaned_data


@admin.register(ScenarioDraft)
class AssignableDraftAdmin(DraftAdmin):
    def giving(self, request: SignedInRequest, data: QueryDict | None = None) -> GivingForm | None:
        return GivingForm(request.user, data) if request.user.has_perm("training.add_assignment") else None

    def fields_of(self, form: DraftForm, giving: GivingForm | None) -> dict[str, Any]:
        is_one_time = giving is not None and giving.cleaned_data["purpose"] == ONE_TIME
        return super().fields_of(form, giving) | {"is_one_time": is_one_time}

    def settle(self, request: SignedInRequest, scenario: Scenario, giving: GivingForm | None) -> str:
        shelf: str = "one-time" if scenario.is_one_time else super().settle(request, scenario, giving)
        if giving is None or not giving.cleaned_data["counselors"]:
            return shelf
        give_new(scenario, giving.cleaned_data["counselors"], request.user, **giving.terms)
        return f"{shelf}, and assigned to {', '.join(map(str, giving.cleaned_data['counselors']))}"
