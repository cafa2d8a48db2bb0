"""API for scenario drafts that can be assigned when they are saved."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.web.created import created_response
from accounts.web.requests import authenticated_user
from scenarios.api.drafts import DraftStateError, DraftViewSet
from scenarios.models import Scenario, ScenarioDraft
from training.api.assignment_serializers import AssignableDraftSerializer, SavedDraftSerializer
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
        if draft.status != ScenarioDraft.Status.READY:
            raise DraftStateError(draft)
        counselors = wanted.pop("counselors", [])
        terms = pick_terms(wanted)
        edited = {name: value for name, value in wanted.items() if name not in terms}

        def assign(scenario: Scenario) -> list[Assignment]:
            return assign_new_scenario(scenario, counselors, authenticated_user(request), **terms)

        scenario, _assignments = self.save_edited(draft, edited, assign)
        data = SavedDraftSerializer(scenario, context=context).data
        return created_response(data, "api:scenarios:detail", scenario.pk)
