from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import person
from scenarios.api.drafts import DraftViewSet, NotReady
from scenarios.models import Scenario, ScenarioDraft
from training.models import Assignment
from training.serializers import GIVING, AssignableDraftSerializer, SavedDraftSerializer
from training.services.one_time import give_new


class AssignableDraftViewSet(DraftViewSet):
    """Drafts from complaints, saved for the library or for some counselors, who can be given them at once."""

    @extend_schema(request=AssignableDraftSerializer, responses={201: SavedDraftSerializer})
    def save(self, request: Request, pk: object) -> Response:
        """Make the edited draft a scenario, once, and assign it; on any error nothing is kept.

        While something of a real person is left in it: 409 and where.
        """
        draft, context = self.get_object(), self.get_serializer_context()
        form = AssignableDraftSerializer(data=request.data, partial=True, context=context)
        form.is_valid(raise_exception=True)
        wanted = dict(form.validated_data)
        self._check_may_give(wanted)
        if draft.status != ScenarioDraft.Status.READY:
            raise NotReady(draft)
        counselors = wanted.pop("counselors", [])
        typed = {name: wanted.pop(name) for name in GIVING if name in wanted}

        def give(scenario: Scenario) -> list[Assignment]:
            return give_new(scenario, counselors, person(request), **typed)

        scenario, _ = self.saved(draft, wanted, give)
        return Response(SavedDraftSerializer(scenario, context=context).data, 201)

    def _check_may_give(self, wanted: dict[str, Any]) -> None:
        is_for_somebody = wanted.get("is_one_time") or wanted.get("counselors")
        if is_for_somebody and not person(self.request).has_perm("training.add_assignment"):
            raise PermissionDenied("Only people who may assign scenarios can save a draft for a counselor.")
