"""API for drafts from complaints."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.web.pagination import StandardCursorPagination
from accounts.web.parsers import CleanMultiPartParser
from accounts.web.permissions import RolePermission
from accounts.web.prefer_header import preferred_wait
from accounts.web.request_inputs import without_body
from accounts.web.requests import authenticated_user
from accounts.web.waiting import respond_when_done
from scenarios.api.errors import PREFER_PARAMETER, DetailedAPIError
from scenarios.api.serializers.drafts import (
    DraftSerializer,
    DraftSummarySerializer,
    InstructionsSerializer,
    NewDraftSerializer,
    PIIMatchSerializer,
)
from scenarios.models import Scenario, ScenarioDraft, ScenarioDraftQuerySet, Skill
from scenarios.services import drafts

T = TypeVar("T")


class DraftStateError(DetailedAPIError):
    """409: the draft is being written or has already been saved."""

    def __init__(self, draft: ScenarioDraft) -> None:
        message = _("You can’t do this now. The draft’s status is “%(status)s”.")
        super().__init__(409, draft.status, message % {"status": draft.get_status_display()})


class DraftPermission(RolePermission):
    """Permission that lets users who may change a draft discard it. The row is not deleted."""

    perms_map = RolePermission.perms_map | {"DELETE": DjangoModelPermissions.perms_map["PATCH"]}


class DraftViewSet(ReadOnlyModelViewSet[ScenarioDraft]):
    """Scenarios that a model drafts from complaints.

    `training` adds the save action, which can also assign the scenario.
    """

    token_scope = "scenarios"
    detail_url_name: ClassVar[str]  # set by the subclass that serves the URL
    queryset = ScenarioDraft.objects.none()
    permission_classes = [DraftPermission]
    parser_classes = [*APIView.parser_classes, CleanMultiPartParser]
    pagination_class = StandardCursorPagination

    def get_queryset(self) -> ScenarioDraftQuerySet:
        visible = ScenarioDraft.objects.for_user(authenticated_user(self.request)).exclude(
            status=ScenarioDraft.Status.DISCARDED
        )
        return visible.select_related("organization", "account").prefetch_related("skills")

    def get_serializer_class(self) -> type[BaseSerializer[ScenarioDraft]]:
        return DraftSummarySerializer if self.action == "list" else DraftSerializer

    @extend_schema(
        request={"application/json": NewDraftSerializer, "multipart/form-data": NewDraftSerializer},
        parameters=[PREFER_PARAMETER],
        responses=dict.fromkeys((201, 202), DraftSerializer),
    )
    def create(self, request: Request) -> Response:
        """Queue a draft. Return 202 with a `Location` to poll, or 201 if it is ready or has failed within the wait."""
        serializer = NewDraftSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return self._respond(drafts.request_draft(authenticated_user(request), **serializer.validated_data), 201)

    @extend_schema(
        request=InstructionsSerializer,
        parameters=[PREFER_PARAMETER],
        responses=dict.fromkeys((200, 202), DraftSerializer),
    )
    def again(self, request: Request, pk: object) -> Response:
        """Generate the draft again from the same complaint, with new instructions if given."""
        draft, author = self.get_object(), authenticated_user(request)
        serializer = InstructionsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not drafts.regenerate_draft(
            draft, author, serializer.validated_data.get("instructions", draft.instructions)
        ):
            draft.refresh_from_db()
            raise DraftStateError(draft)
        return self._respond(draft, 200)

    def _respond(self, draft: ScenarioDraft, status_when_done: int) -> Response:
        def is_done() -> bool:
            draft.refresh_from_db()
            return draft.status != ScenarioDraft.Status.WRITING

        def respond(done: bool) -> Response:
            headers = {"Location": reverse(self.detail_url_name, args=[draft.pk])}
            return Response(DraftSerializer(draft).data, status_when_done if done else 202, headers=headers)

        return respond_when_done(is_done, respond, preferred_wait(self.request))

    @extend_schema(request=None, responses=DraftSerializer)
    @without_body
    def restore(self, request: Request, pk: object) -> Response:
        """Restore the draft that preceded a failed attempt."""
        draft = self.get_object()
        is_restored = drafts.restore_draft(draft)
        draft.refresh_from_db()
        if not is_restored:
            raise DraftStateError(draft)
        return Response(DraftSerializer(draft).data)

    @extend_schema(responses={204: None})
    def delete_source(self, request: Request, pk: object) -> Response:
        """Delete the complaint kept with a saved draft."""
        draft = self.get_object()
        if not drafts.delete_draft_source(draft):
            draft.refresh_from_db()
            raise DraftStateError(draft)
        return Response(status=204)

    def save_edited(
        self, draft: ScenarioDraft, sent_fields: Mapping[str, Any], within: Callable[[Scenario], T]
    ) -> tuple[Scenario, T | None]:
        """Create a scenario from the draft exactly once. Raise DetailedAPIError or DraftStateError."""
        try:
            edits = merge_edits(draft, sent_fields)
            return drafts.save_draft(
                draft,
                authenticated_user(self.request),
                edits.fields,
                edits.evaluator_context,
                edits.skills,
                edits.dismissed,
                within=within,
            )
        except drafts.UnresolvedPIIError as error:
            matches = PIIMatchSerializer(error.found, many=True).data
            raise DetailedAPIError(409, "personal_left", str(error), found=matches) from error
        except drafts.DraftClosedError as error:
            draft.refresh_from_db()
            raise DraftStateError(draft) from error

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: object) -> Response:
        """Discard the draft, and delete its complaint and everything drafted from it."""
        draft = self.get_object()
        if not drafts.discard_draft(draft):
            draft.refresh_from_db()
            raise DraftStateError(draft)
        return Response(status=204)


DRAFTED_FIELDS = ("title", "description", "prompt", "relevant_policy_sections", "mode", "difficulty", "account")


@dataclass(frozen=True)
class MergedDraft:
    """The scenario to save from a draft. Fields that were not sent have their drafted values."""

    fields: Mapping[str, Any]  # columns of the scenario's row
    evaluator_context: str
    skills: Sequence[Skill]
    dismissed: Collection[str]


def merge_edits(draft: ScenarioDraft, sent_fields: Mapping[str, Any]) -> MergedDraft:
    fields = {name: getattr(draft, name) for name in DRAFTED_FIELDS} | dict(sent_fields)
    return MergedDraft(
        evaluator_context=fields.pop("evaluator_context", draft.evaluator_context),
        skills=list(fields.pop("skills", draft.skills.all())),
        dismissed=fields.pop("dismissed", []),
        fields=fields,
    )
