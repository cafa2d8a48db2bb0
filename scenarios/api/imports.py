import re
from typing import Any, NoReturn

from django.db.models import F
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.http import person
from accounts.paging import Pages
from accounts.permissions import RolePermission
from accounts.prefer import preferred_wait, wait_until
from scenarios.api.answers import PREFER, Refusal
from scenarios.models import ImportJob, ImportJobQuerySet
from scenarios.packs.rows import PackRefused, TooManyRows
from scenarios.parsers import CSVPackParser, JSONPackParser
from scenarios.serializers.imports import (
    ImportJobSerializer,
    ImportOptionsSerializer,
    ImportResultSerializer,
    PackSerializer,
)
from scenarios.services import imports

MORE_ROWS = (
    "This pack has more than {most} rows; here at most {most} are taken, and nothing was imported. Larger packs go in "
    "with `manage.py import_scenarios` or on the import page of the administration."
)

BUSY = "Another request with this Idempotency-Key is being read. Ask again in a moment."


class ImportViewSet(ReadOnlyModelViewSet[ImportJob]):
    """Packs of scenarios on their way into the library."""

    queryset = ImportJob.objects.none()
    permission_classes = [RolePermission]
    parser_classes = [JSONPackParser, CSVPackParser, MultiPartParser]
    serializer_class = ImportJobSerializer
    pagination_class = Pages

    def get_queryset(self) -> ImportJobQuerySet:
        return ImportJob.objects.for_user(person(self.request))

    @extend_schema(responses=ImportResultSerializer)
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        return Response(result_of(self.get_object()))

    @extend_schema(
        parameters=[ImportOptionsSerializer, PREFER, OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={
            "application/json": OpenApiTypes.OBJECT,
            "text/csv": OpenApiTypes.STR,
            "multipart/form-data": PackSerializer,
        },
        responses=dict.fromkeys((200, 201, 202), ImportResultSerializer),
    )
    def create(self, request: Request) -> Response:
        """Import a pack of up to 100 rows. 202 with a `Location` to poll; over: 201, or 200 when nothing was new."""
        # As a dict: in a form an empty `?dry_run` would be none, and would write.
        options = self._validated(ImportOptionsSerializer, request.query_params.dict())
        is_dry = options.pop("dry_run")
        key = "" if is_dry else idempotency_key(request)
        with self._validated(PackSerializer, request.data)["file"] as file:
            job = self._checked(file, options, key)
        if is_dry:
            return dry_answer(job)
        is_new = self._begin(job)
        return self._answer(job, {} if is_new else {"Idempotent-Replayed": "true"})

    def _validated(self, form_class: Any, data: object) -> dict[str, Any]:
        form = form_class(data=data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        validated: dict[str, Any] = form.validated_data
        return validated

    def _checked(self, file: Any, options: dict[str, Any], key: str) -> ImportJob:
        author = person(self.request)
        wanted = imports.ImportOptions(
            account=options["account"],
            may_update=options["update"],
            creates_categories=options["create_categories"],
            is_partial=options["partial"],
        )
        most, source = imports.API_MOST_ROWS, ImportJob.Source.API
        try:
            return imports.check_pack(
                author.organization, author, file, file.name, source, wanted, most_rows=most, idempotency_key=key
            )
        except TooManyRows as error:
            raise Refusal(400, "too_many_rows", MORE_ROWS.format(most=most)) from error
        except PackRefused as error:
            raise Refusal(400, "unreadable", str(error), line=error.line, column=error.column) from error
        except imports.KeyReused as error:
            raise Refusal(422, "key_reused", str(error)) from error

    def _begin(self, job: ImportJob) -> bool:
        """False when an earlier request with this key has begun it. Raises Refusal where there is nothing to begin."""
        try:
            is_new = imports.begin_import(job)
        except ImportJob.DoesNotExist:
            raise Refusal(409, "busy", BUSY) from None
        if job.status in {ImportJob.Status.CHECKING, ImportJob.Status.FORGOTTEN}:
            raise Refusal(409, "busy", BUSY)
        if job.status == ImportJob.Status.CHECKED:
            refuse_invalid(job)
        return is_new

    def _answer(self, job: ImportJob, headers: dict[str, str]) -> Response:
        def is_over() -> bool:
            job.refresh_from_db()
            return job.is_over

        if (seconds := preferred_wait(self.request)) and not job.is_over:
            wait_until(is_over, seconds)
        result = result_of(job)
        status = 202 if not job.is_over else 201 if result["created"] else 200
        return Response(result, status, headers=headers | {"Location": reverse("api-import", args=[job.pk])})


def idempotency_key(request: Request) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch("[ -~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": "1 to 255 printable ASCII characters are wanted here."})
    return key or ""


def result_of(job: ImportJob, *, expected: bool = False) -> dict[str, Any]:
    return ImportJobSerializer(job).data | imports.outcome_of(job, expected=expected)


def dry_answer(job: ImportJob) -> Response:
    """What would become of each row. Nothing is kept."""
    try:
        rows = job.rows.values("line", "title", "outcome", "problems", row=F("number"))
        return Response(result_of(job, expected=True) | {"rows": list(rows)})
    finally:
        imports.forget_import(job)


def refuse_invalid(job: ImportJob) -> NoReturn:
    outcome = imports.outcome_of(job)
    imports.forget_import(job)
    if not outcome["invalid"]:
        raise Refusal(409, "busy", BUSY)  # forgotten meanwhile by another request with this key
    detail = (
        f"Nothing was imported: of {job.total} rows {outcome['invalid']} cannot be taken. Correct what is wrong, or "
        "ask with partial=true for the others."
    )
    known = {name: outcome[name] for name in ("created", "skipped", "invalid", "errors")}
    raise Refusal(400, "invalid_rows", detail, total=job.total, **known)
