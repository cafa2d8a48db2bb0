"""Admin page for scenario drafts that can be assigned when they are saved."""

from django.contrib import admin
from django.http import QueryDict

from accounts.web.requests import AuthenticatedRequest
from scenarios.admin.drafts import DraftAdmin
from scenarios.models import ScenarioDraft
from training.draft_purpose import DraftPurposeForm, purpose_form_for


@admin.register(ScenarioDraft)
class AssignableDraftAdmin(DraftAdmin):
    def get_assignment_form(
        self, request: AuthenticatedRequest, data: QueryDict | None = None
    ) -> DraftPurposeForm | None:
        return purpose_form_for(request.user, data)
