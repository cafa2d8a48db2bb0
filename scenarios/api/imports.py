"""API for scenario imports."""

import re
from dataclasses import asdict
from typing import Any, NoReturn

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.web.pagination import StandardCursorPagination
from accounts.web.parsers import CleanMultiPartParser
from accounts.web.permissions import RolePermission
from accounts.web.prefer_header import preferred_wait
from accounts.web.request_inputs import query_parameters
from accounts.web.requests import authenticated_user
from accounts.web.waiting import respond_when_done
from scenarios.api.errors import PREFER_PARAMETER, DetailedAPIError
from scenarios.api.parsers import CSVPackParser, JSONPackParser
from scenarios.api.serializers.imports import (
    DryRunRowSerializer,
    ImportJobSerializer,
    ImportOptionsSerializer,
    ImportResultSerializer,
    PackSerializer,
)
from scenarios.models import ImportJob, ImportJobQuerySet
from scenarios.packs.rows import TooManyRowsError, UnreadablePackError
from scenarios.services import import_summaries, imports
from scenarios.services.import_previews import preview_import_checks
from scenarios.services.message_translation import translate


class ImportBusyError(DetailedAPIError):
    """409: another request with the same Idempotency-Key is in progress."""

    def __init__(self) -> None:
        message = _("Another request with this Idempotency-Key is in progress. Try again in a moment.")
        super().__init__(409, "busy", message)


class ImportViewSet(ReadOnlyModelViewSet[ImportJob]):
    """Imports of scenario packs."""

    token_scope = "scenarios"
    queryset = ImportJob.objects.none()
    permission_classes = [RolePermission]
    parser_classes = [JSONPackParser, CSVPackParser, CleanMultiPartParser]
    serializer_class = ImportJobSerializer
    pagination_class = StandardCursorPagination

    def get_queryset(self) -> ImportJobQuerySet:
        return ImportJob.objects.for_user(authenticated_user(self.request))

    @extend_schema(responses=ImportResultSerializer)
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        job = self.get_object()
        return Response(serialize_result(job, import_summaries.summarize_import(job)).data)

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
    @query_parameters("partial", "update", "create_categories", "dry_run", "account")
    def create(self, request: Request) -> Response:
        """Import a pack of up to 100 rows.

        Respond 202 with a `Location` to poll until it is done, then 201, or 200 if no scenario was created.
        """
        # Pass a plain dict. DRF would treat an empty `?dry_run` in a QueryDict as absent, and the import would write.
        options = self._validate(ImportOptionsSerializer, request.query_params.dict())
        is_dry = options.pop("dry_run")
        key = "" if is_dry else read_idempotency_key(request)
        with self._validate(PackSerializer, request.data)["file"] as file:
            job = self._stage_import(file, options, key)
        if is_dry:
            return dry_run_response(job)
        is_new = self._start_import(job)
        return self._respond(job, {} if is_new else {"Idempotent-Replayed": "true"})

    def _validate(self, serializer_class: Any, data: object) -> dict[str, Any]:
        serializer = serializer_class(data=data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        validated: dict[str, Any] = serializer.validated_data
        return validated

    def _stage_import(self, file: Any, options: dict[str, Any], key: str) -> ImportJob:
        author = authenticated_user(self.request)
        import_options = imports.ImportOptions(
            account=options["account"],
            may_update=options["update"],
            creates_categories=options["create_categories"],
            is_partial=options["partial"],
        )
        limit, source = imports.MAX_API_ROWS, ImportJob.ImportSource.API
        try:
            return imports.stage_import(
                author.organization,
                author,
                file,
                file.name,
                source,
                import_options,
                max_rows=limit,
                idempotency_key=key,
            )
        except TooManyRowsError as error:
            message = _(
                "Nothing was imported. This pack has more than %(most)s rows, which is the limit of the API. Import "
                "larger packs with `manage.py import_scenarios` or on the import page."
            )
            raise DetailedAPIError(400, "too_many_rows", message % {"most": limit}) from error
        except UnreadablePackError as error:
            reason = translate(error.message)
            raise DetailedAPIError(400, "unreadable", reason, line=error.line, column=error.column) from error
        except imports.IdempotencyKeyReusedError as error:
            raise DetailedAPIError(422, "key_reused", str(error)) from error

    def _start_import(self, job: ImportJob) -> bool:
        """Start the import. Return False if an earlier request with this key started it.

        Raise DetailedAPIError if the job is busy or has invalid rows.
        """
        try:
            is_new = imports.start_import(job)
        except ImportJob.DoesNotExist:
            raise ImportBusyError from None
        if job.status in {ImportJob.Status.CHECKING, ImportJob.Status.FORGOTTEN}:
            raise ImportBusyError
        if job.status == ImportJob.Status.CHECKED:
            reject_invalid_rows(job)
        return is_new

    def _respond(self, job: ImportJob, headers: dict[str, str]) -> Response:
        seconds = preferred_wait(self.request)

        def is_finished() -> bool:
            if seconds and not job.is_finished:
                job.refresh_from_db()
            return job.is_finished

        def respond(is_done: bool) -> Response:
            summary = import_summaries.summarize_import(job)
            return Response(
                serialize_result(job, summary).data,
                202 if not job.is_finished else 201 if summary.created else 200,
                headers=headers | {"Location": reverse("api:scenarios:import_detail", args=[job.pk])},
            )

        return respond_when_done(is_finished, respond, seconds)


def read_idempotency_key(request: Request) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch("[ -~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": _("Send 1 to 255 printable ASCII characters.")})
    return key or ""


def serialize_result(job: ImportJob, summary: import_summaries.ImportSummary) -> ImportResultSerializer:
    return ImportResultSerializer(job, context={"summary": summary})


def dry_run_response(job: ImportJob) -> Response:
    """Return the outcome of each row and the checks that would be graded. Delete the job."""
    try:
        rows = list(job.rows.order_by("number"))
        previews = preview_import_checks(job, rows)
        summary = import_summaries.summarize_import(job, expected=True)
        shown = DryRunRowSerializer(rows, many=True, context={"previews": previews}).data
        return Response(serialize_result(job, summary).data | {"rows": shown})
    finally:
        imports.discard_import(job)


def reject_invalid_rows(job: ImportJob) -> NoReturn:
    summary = import_summaries.summarize_import(job)
    imports.discard_import(job)
    if not summary.invalid:
        raise ImportBusyError  # another request with this key has deleted the job's rows
    message = ngettext(
        "Nothing was imported. %(invalid)s of %(total)s rows is invalid. Correct it, or send partial=true to import "
        "the others.",
        "Nothing was imported. %(invalid)s of %(total)s rows are invalid. Correct them, or send partial=true to import "
        "the others.",
        summary.invalid,
    )
    if summary.missing_categories:
        hint = _("Send create_categories=true to add these categories: %(names)s.")
        message = f"{message} {hint}"
    raise DetailedAPIError(
        400,
        "invalid_rows",
        message % {"invalid": summary.invalid, "total": job.total, "names": ", ".join(summary.missing_categories)},
        total=job.total,
        created=summary.created,
        skipped=summary.skipped,
        invalid=summary.invalid,
        errors=summary.errors,
        error_groups=[asdict(group) for group in summary.error_groups],
        missing_categories=summary.missing_categories,
    )
