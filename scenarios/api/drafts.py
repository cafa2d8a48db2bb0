from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.http import person
from accounts.paging import Pages
from accounts.permissions import RolePermission
from accounts.prefer import preferred_wait, wait_until
from scenarios.api.answers import PREFER, Refusal
from scenarios.models import Scenario, ScenarioDraft, ScenarioDraftQuerySet
from scenarios.serializers.drafts import (
    DraftSerializer,
    DraftSummarySerializer,
    InstructionsSerializer,
    NewDraftSerializer,
    PersonalSerializer,
)
from scenarios.services import drafts
from scenarios.throttles import GenerationThrottle

T = TypeVar("T")


class NotReady(Refusal):
    """409: a draft is being written, or is a scenario already."""

    def __init__(self, draft: ScenarioDraft) -> None:
        super().__init__(409, draft.status, f"This is not possible now: the draft is {draft.get_status_display()}.")


class DraftPermission(RolePermission):
    """A draft is given up by those who may change it; no row is deleted."""

    perms_map = RolePermission.perms_map | {"DELETE": DjangoModelPermissions.perms_map["PATCH"]}


class DraftViewSet(ReadOnlyModelViewSet[ScenarioDraft]):
    """Scenarios that a model drafts from complaints. `training` adds their saving: it knows who can be given them."""

    queryset = ScenarioDraft.objects.none()
    permission_classes = [DraftPermission]
    parser_classes = [*APIView.parser_classes, MultiPartParser]
    pagination_class = Pages

    def get_queryset(self) -> ScenarioDraftQuerySet:
        seen = ScenarioDraft.objects.for_user(person(self.request)).exclude(status=ScenarioDraft.Status.DISCARDED)
        return seen.select_related("organization", "account").prefetch_related("skills")

    def get_serializer_class(self) -> type[BaseSerializer[ScenarioDraft]]:
        return DraftSummarySerializer if self.action == "list" else DraftSerializer

    def get_throttles(self) -> list[BaseThrottle]:
        return [GenerationThrottle()] if self.action in {"create", "again"} else []

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        raise Throttled(wait, "You have asked for many drafts within a minute, and each of them costs.")

    @extend_schema(
        request={"application/json": NewDraftSerializer, "multipart/form-data": NewDraftSerializer},
        parameters=[PREFER],
        responses=dict.fromkeys((201, 202), DraftSerializer),
    )
    def create(self, request: Request) -> Response:
        """Have a scenario drafted. 202 with a `Location` to poll; 201 when it was written, or failed, in time."""
        form = NewDraftSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self._answer(drafts.begin_draft(person(request), **form.validated_data), 201)

    @extend_schema(
        request=InstructionsSerializer, parameters=[PREFER], responses=dict.fromkeys((200, 202), DraftSerializer)
    )
    def again(self, request: Request, pk: object) -> Response:
        """Another try from the same complaint, with other instructions where some are sent."""
        draft = self.get_object()
        form = InstructionsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if not drafts.draft_again(draft, form.validated_data.get("instructions", draft.instructions)):
            draft.refresh_from_db()
            raise NotReady(draft)
        return self._answer(draft, 200)

    def _answer(self, draft: ScenarioDraft, status_when_done: int) -> Response:
        def is_done() -> bool:
            draft.refresh_from_db()
            return draft.status != ScenarioDraft.Status.WRITING

        status = status_when_done if wait_until(is_done, preferred_wait(self.request)) else 202
        headers = {"Location": reverse("api-draft", args=[draft.pk])}
        return Response(DraftSerializer(draft).data, status, headers=headers)

    @extend_schema(request=None, responses=DraftSerializer)
    def restore(self, request: Request, pk: object) -> Response:
        """Where another try has failed: back to the draft that was there before it."""
        draft = self.get_object()
        is_restored = drafts.restore_draft(draft)
        draft.refresh_from_db()
        if not is_restored:
            raise NotReady(draft)
        return Response(DraftSerializer(draft).data)

    @extend_schema(responses={204: None})
    def delete_source(self, request: Request, pk: object) -> Response:
        """Delete the complaint that was kept with a saved draft."""
        draft = self.get_object()
        if not drafts.delete_source(draft):
            draft.refresh_from_db()
            raise NotReady(draft)
        return Response(status=204)

    def saved(
        self, draft: ScenarioDraft, wanted: Mapping[str, Any], within: Callable[[Scenario], T]
    ) -> tuple[Scenario, T | None]:
        """The scenario that is made of the draft, once. Raises Refusal."""
        try:
            return drafts.save_draft(draft, person(self.request), **edited(draft, wanted), within=within)
        except drafts.PersonalLeft as error:
            found = PersonalSerializer(error.found, many=True).data
            raise Refusal(409, "personal_left", str(error), found=found) from error
        except drafts.DraftClosed as error:
            draft.refresh_from_db()
            raise NotReady(draft) from error

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: object) -> Response:
        """Give the draft up; the complaint and all that was drafted from it are deleted."""
        draft = self.get_object()
        if not drafts.discard_draft(draft):
            draft.refresh_from_db()
            raise NotReady(draft)
        return Response(status=204)


AS_DRAFTED = ("title", "description", "prompt", "relevant_policy_sections", "mode", "difficulty", "account")


def edited(draft: ScenarioDraft, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What `save_draft` is to make of it: what was sent, the rest as it was drafted."""
    fields = {name: getattr(draft, name) for name in AS_DRAFTED} | dict(wanted)
    return {
        "evaluator_context": fields.pop("evaluator_context", draft.evaluator_context),
        "skills": fields.pop("skills", draft.skills.all()),
        "dismissed": fields.pop("dismissed", []),
        "fields": fields,
    }
