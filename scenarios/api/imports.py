"""API of scenario imports."""

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

from accounts.web.pagination import StandardCursorPagination
from accounts.web.permissions import RolePermission
from accounts.web.prefer_header import preferred_wait, wait_until
from accounts.web.requests import authenticated_user
from scenarios.api.errors import PREFER_PARAMETER, DetailedAPIError
from scenarios.api.parsers import CSVPackParser, JSONPackParser
from scenarios.api.serializers.imports import (
    ImportJobSerializer,
    ImportOptionsSerializer,
    ImportResultSerializer,
    PackSerializer,
)
from scenarios.models import ImportJob, ImportJobQuerySet
from scenarios.packs.rows import TooManyRowsError, UnreadablePackError
from scenarios.services import imports

TOO_MANY_ROWS = (
    "This pack has more than {most} rows; here at most {most} are taken, and nothing was imported. Larger packs go in "
    "with `manage.py import_scenarios` or on the import page of the administration."
)

BUSY = "Another request with this Idempotency-Key is being read. Ask again in a moment."


class ImportViewSet(ReadOnlyModelViewSet[ImportJob]):
    """Imports of scenario packs."""

    token_scope = "scenarios"
    queryset = ImportJob.objects.none()
    permission_classes = [RolePermission]
    parser_classes = [JSONPackParser, CSVPackParser, MultiPartParser]
    serializer_class = ImportJobSerializer
    pagination_class = StandardCursorPagination

    def get_queryset(self) -> ImportJobQuerySet:
        return ImportJob.objects.for_user(authenticated_user(self.request))

    @extend_schema(responses=ImportResultSerializer)
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        return Response(serialize_result(self.get_object()))

    @extend_schema(
        parameters=[
            ImportOptionsSerializer,
            PREFER_PARAMETER,
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
        ],
        request={
            "application/json": OpenApiTypes.OBJECT,
            "text/csv": OpenApiTypes.STR,
            "multipart/form-data": PackSerializer,
        },
        responses=dict.fromkeys((200, 201, 202), ImportResultSerializer),
    )
    def create(self, request: Request) -> Response:
        """Import a pack of up to 100 rows.

        Respond 202 with a `Location` to poll until it is done, then 201, or 200 if no scenario was created.
        """
        # QueryDict.dict(): as form data, an empty `?dry_run` would count as absent, and the import would write.
        options = self._validated(ImportOptionsSerializer, request.query_params.dict())
        is_dry = options.pop("dry_run")
        key = "" if is_dry else read_idempotency_key(request)
        with self._validated(PackSerializer, request.data)["file"] as file:
            job = self._stage_import(file, options, key)
        if is_dry:
            return dry_run_response(job)
        is_new = self._start_import(job)
        return self._answer(job, {} if is_new else {"Idempotent-Replayed": "true"})

    def _validated(self, form_class: Any, data: object) -> dict[str, Any]:
        form = form_class(data=data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        validated: dict[str, Any] = form.validated_data
        return validated

    def _stage_import(self, file: Any, options: dict[str, Any], key: str) -> ImportJob:
        author = authenticated_user(self.request)
        wanted = imports.ImportOptions(
            account=options["account"],
            may_update=options["update"],
            creates_categories=options["create_categories"],
            is_partial=options["partial"],
        )
        most, source = imports.MAX_API_ROWS, ImportJob.ImportSource.API
        try:
            return imports.stage_import(
                author.organization, author, file, file.name, source, wanted, most_rows=most, idempotency_key=key
            )
        except TooManyRowsError as error:
            raise DetailedAPIError(400, "too_many_rows", TOO_MANY_ROWS.format(most=most)) from error
        except UnreadablePackError as error:
            raise DetailedAPIError(400, "unreadable", str(error), line=error.line, column=error.column) from error
        except imports.IdempotencyKeyReusedError as error:
            raise DetailedAPIError(422, "key_reused", str(error)) from error

    def _start_import(self, job: ImportJob) -> bool:
        """Start the import. Return False if an earlier request with this key started it.

        Raise DetailedAPIError if the job is busy or has invalid rows.
        """
        try:
            is_new = imports.start_import(job)
        except ImportJob.DoesNotExist:
            raise DetailedAPIError(409, "busy", BUSY) from None
        if job.status in {ImportJob.Status.CHECKING, ImportJob.Status.FORGOTTEN}:
            raise DetailedAPIError(409, "busy", BUSY)
        if job.status == ImportJob.Status.CHECKED:
            reject_invalid_rows(job)
        return is_new

    def _answer(self, job: ImportJob, headers: dict[str, str]) -> Response:
        def is_over() -> bool:
            job.refresh_from_db()
            return job.is_finished

        if (seconds := preferred_wait(self.request)) and not job.is_finished:
            wait_until(is_over, seconds)
        result = serialize_result(job)
        status = 202 if not job.is_finished else 201 if result["created"] else 200
        return Response(
            result, status, headers=headers | {"Location": reverse("api:scenarios:import_detail", args=[job.pk])}
        )


def read_idempotency_key(request: Request) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch("[ -~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": "1 to 255 printable ASCII characters are wanted here."})
    return key or ""


def serialize_result(job: ImportJob, *, expected: bool = False) -> dict[str, Any]:
    return ImportJobSerializer(job).data | imports.summarize_import(job, expected=expected)


def dry_run_response(job: ImportJob) -> Response:
    """Return the outcome that each row would have, and delete the job."""
    try:
        rows = job.rows.values("line", "title", "outcome", "problems", row=F("number"))
        return Response(serialize_result(job, expected=True) | {"rows": list(rows)})
    finally:
        imports.discard_import(job)


def reject_invalid_rows(job: ImportJob) -> NoReturn:
    outcome = imports.summarize_import(job)
    imports.discard_import(job)
    if not outcome["invalid"]:
        raise DetailedAPIError(409, "busy", BUSY)  # another request with this key has deleted the job's rows
    detail = (
        f"Nothing was imported: of {job.total} rows {outcome['invalid']} cannot be taken. Correct what is wrong, or "
        "ask with partial=true for the others."
    )
    known = {name: outcome[name] for name in ("created", "skipped", "invalid", "errors")}
    raise DetailedAPIError(400, "invalid_rows", detail, total=job.total, **known)
