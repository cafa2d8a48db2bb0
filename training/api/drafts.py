"""API for scenario drafts that can be assigned when they are saved."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.web.requests import authenticated_user
from scenarios.api.drafts import DraftStateError, DraftViewSet
from scenarios.models import Scenario, ScenarioDraft
from training.api.serializers import TERM_FIELDS, AssignableDraftSerializer, SavedDraftSerializer
from training.models import Assignment
from training.services.one_time_scenarios import assign_new_scenario


class AssignableDraftViewSet(DraftViewSet):
    """Drafts from complaints, saved for the library or for some counselors, who can be assigned at once."""

    detail_url_name = "api:training:draft_detail"

    @extend_schema(request=AssignableDraftSerializer, responses={201: SavedDraftSerializer})
    def save(self, request: Request, pk: object) -> Response:
        """Save the edited draft as a scenario, once, and assign it. On any error nothing is saved.

        Return 409 with the locations if it still contains personal information.
        """
        draft, context = self.get_object(), self.get_serializer_context()
        form = AssignableDraftSerializer(data=request.data, partial=True, context=context)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        self._check_can_assign(wanted)
        if draft.status != ScenarioDraft.Status.READY:
            raise DraftStateError(draft)
        counselors = wanted.pop("counselors", [])
        typed = {name: wanted.pop(name) for name in TERM_FIELDS if name in wanted}

        def give(scenario: Scenario) -> list[Assignment]:
            return assign_new_scenario(scenario, counselors, authenticated_user(request), **typed)

        scenario, _ = self.save_edited(draft, wanted, give)
        return Response(SavedDraftSerializer(scenario, context=context).data, 201)

    def _check_can_assign(self, wanted: dict[str, Any]) -> None:
        is_for_somebody = wanted.get("is_one_time") or wanted.get("counselors")
        if is_for_somebody and not authenticated_user(self.request).has_perm("training.add_assignment"):
            raise PermissionDenied("Only people who may assign scenarios can save a draft for a counselor.")
