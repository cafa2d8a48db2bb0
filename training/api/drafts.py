"""API for scenario drafts that can be assigned when they are saved."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.web.requests import authenticated_user
from scenarios.api.drafts import DraftStateError, DraftViewSet
from scenarios.models import Scenario, ScenarioDraft
from training.api.serializers import AssignableDraftSerializer, SavedDraftSerializer
from training.models import Assignment, pick_terms
from training.services.one_time_scenarios import assign_new_scenario


class AssignableDraftViewSet(DraftViewSet):
    """Drafts from complaints, saved to the library or for one-time use, and assigned when they are saved."""

    detail_url_name = "api:training:draft_detail"

    @extend_schema(request=AssignableDraftSerializer, responses={201: SavedDraftSerializer})
    def save(self, request: Request, pk: object) -> Response:
        """Save the edited draft as a scenario, once, and assign it. If anything fails, nothing is saved.

        Return 409 with the locations if it still contains personal information.
        """
        draft, context = self.get_object(), self.get_serializer_context()
        serializer = AssignableDraftSerializer(data=request.data, partial=True, context=context)
        serializer.is_valid(raise_exception=True)
        wanted = dict(serializer.validated_data)
        self._check_can_assign(wanted)
        if draft.status != ScenarioDraft.Status.READY:
            raise DraftStateError(draft)
        counselors = wanted.pop("counselors", [])
        terms = pick_terms(wanted)
        edited = {name: value for name, value in wanted.items() if name not in terms}

        def assign(scenario: Scenario) -> list[Assignment]:
            return assign_new_scenario(scenario, counselors, authenticated_user(request), **terms)

        scenario, _ = self.save_edited(draft, edited, assign)
        return Response(SavedDraftSerializer(scenario, context=context).data, 201)

    def _check_can_assign(self, wanted: dict[str, Any]) -> None:
        is_assigned = wanted.get("is_one_time") or wanted.get("counselors")
        if is_assigned and not authenticated_user(self.request).has_perm("training.add_assignment"):
            raise PermissionDenied(_("You don’t have permission to assign scenarios."))
