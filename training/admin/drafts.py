"""Admin page for scenario drafts that can be assigned when they are saved."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.web.requests import AuthenticatedRequest
from scenarios.admin.draft_forms import DraftForm
from scenarios.admin.drafts import DraftAdmin
from scenarios.models import Scenario, ScenarioDraft
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
        elif any(self.cleaned_data.get(name) for name in TERM_FIELDS):
            self.add_error("counselors", gettext("Choose the counselors that these assignment details are for."))
        return self.cleaned_data


@admin.register(ScenarioDraft)
class AssignableDraftAdmin(DraftAdmin):
    def get_assignment_form(
        self, request: AuthenticatedRequest, data: QueryDict | None = None
    ) -> DraftPurposeForm | None:
        return DraftPurposeForm(request.user, data) if request.user.has_perm("training.add_assignment") else None

    def get_scenario_fields(self, form: DraftForm, assignment_form: DraftPurposeForm | None) -> dict[str, Any]:
        is_one_time = assignment_form is not None and assignment_form.cleaned_data["purpose"] == FOR_ONE_TIME
        return super().get_scenario_fields(form, assignment_form) | {"is_one_time": is_one_time}

    def finish_save(
        self, request: AuthenticatedRequest, scenario: Scenario, assignment_form: DraftPurposeForm | None
    ) -> str:
        counselors = assignment_form.cleaned_data["counselors"] if assignment_form else None
        if assignment_form is None or not counselors:
            if scenario.is_one_time:
                return gettext("It is a one-time scenario.")
            return super().finish_save(request, scenario, assignment_form)
        assign_new_scenario(scenario, counselors, request.user, **assignment_form.terms)
        names = ", ".join(map(str, counselors))
        message = (
            gettext("It is a one-time scenario and was assigned to %(counselors)s.")
            if scenario.is_one_time
            else gettext("It is in the library and was assigned to %(counselors)s.")
        )
        return message % {"counselors": names}
