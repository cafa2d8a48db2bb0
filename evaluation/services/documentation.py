"""Documentation by counselors: submitted once for a session, then compared with its transcript by a worker."""

import logging
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from ai import AIUnavailableError, find_injections, remove_injections
from evaluation import tasks
from evaluation.files.text_extraction import DocumentRejectedError, extract_document_text
from evaluation.grading import openai_grader
from evaluation.grading.documentation_report import build_documentation_report
from evaluation.grading.verification import hash_transcript
from evaluation.models import DocumentationReview, DocumentationReviewQuerySet, Guidelines
from evaluation.services import grading
from training.models import Session, heard_turns

logger = logging.getLogger(__name__)

MIN_TURNS = 3  # shortest conversation that can be documented
_MAX_RETRY_SECONDS = 60.0  # limit on a longer Retry-After
_FAILURE_MESSAGE = gettext_noop("We couldn’t compare your documentation with the conversation. It is saved. Try again.")
Status = DocumentationReview.Status


def can_submit_documentation(session: Session, by: User) -> bool:
    """Return whether `by` may submit documentation now.

    The session must be their own, be graded, have at least `MIN_TURNS` turns, and have no documentation yet.
    """
    newest = session.evaluations.newest_first().first()
    return (
        session.counselor_id == by.pk
        and newest is not None
        and newest.is_completed
        and len(heard_turns(session.transcript())) >= MIN_TURNS
        and not DocumentationReview.objects.filter(session=session).exists()
    )


def submit_documentation(session: Session, by: User, file: UploadedFile) -> DocumentationReview:
    """Store the documentation and queue its comparison. Raise DocumentRejectedError if it cannot be accepted.

    Nothing of a rejected file is kept, and of an accepted one only its name and text.
    """
    if not can_submit_documentation(session, by):
        raise DocumentRejectedError(
            _("You can submit documentation once for each of your own conversations, after it is graded.")
        )
    text = extract_document_text(file)
    path = PurePosixPath(file.name or "")
    try:
        with transaction.atomic():
            review = DocumentationReview.objects.create(
                organization_id=session.organization_id,
                session=session,
                filename=path.stem[: 200 - len(path.suffix)] + path.suffix,
                text=text,
                guidelines=Guidelines.objects.for_user(by).first(),
            )
            transaction.on_commit(lambda: tasks.review_documentation.delay(str(review.pk)), robust=True)
    except IntegrityError as error:
        raise DocumentRejectedError(_("Documentation for this conversation has already been submitted.")) from error
    return review


def compare_documentation(review_id: UUID) -> None:
    """Compare a submission, once however often this is called. Raise RetryLaterError if it should be tried again."""
    review = DocumentationReview.objects.select_related("session", "guidelines").get(pk=review_id)
    if not _claim(review):
        return
    lines = grading.build_grader_turns(heard_turns(review.session.transcript()))
    guidelines = review.guidelines.text if review.guidelines else ""
    try:
        compared, response = openai_grader.request_comparison(
            lines, _strip_prompt_injection(review.text), _strip_prompt_injection(guidelines)
        )
    except AIUnavailableError as error:
        _retry_or_fail(review, error)
        return
    report = build_documentation_report(compared, lines, review.text, guidelines)
    _claimed(review).update(
        status=Status.COMPLETED,
        completed_at=timezone.now(),
        model=response.model,
        prompt_version=openai_grader.DOCUMENTATION_PROMPT_VERSION,
        transcript_hash=hash_transcript(lines),
        input_tokens=response.usage.input_tokens if response.usage else None,
        output_tokens=response.usage.output_tokens if response.usage else None,
        accuracy=report.accuracy,
        compliance=report.compliance,
        overall=report.overall,
        gaps=report.gaps,
        summary=compared.summary,
    )


def _strip_prompt_injection(text: str) -> str:
    """Remove prompt injections: documentation is data, not instructions."""
    return remove_injections(text, find_injections(text, is_document=True))


def _claim(review: DocumentationReview) -> bool:
    """Claim the review for this worker. Return False if it is held elsewhere, finished, or out of tries.

    The conditional UPDATE is the lock. A claim older than the deadline belongs to a worker that is gone.
    """
    rows = DocumentationReview.objects.filter(pk=review.pk)
    abandoned = Q(status=Status.RUNNING, touched_at__lt=grading.lost_claim_cutoff())
    if rows.filter(abandoned, attempts__gte=settings.TASK_ATTEMPTS).update(
        status=Status.FAILED, failure=_FAILURE_MESSAGE
    ):
        return False
    claimed = rows.filter(abandoned | Q(status=Status.QUEUED)).update(
        status=Status.RUNNING, attempts=F("attempts") + 1, touched_at=timezone.now()
    )
    review.refresh_from_db(fields=["status", "attempts"])
    return bool(claimed)


def _claimed(review: DocumentationReview) -> DocumentationReviewQuerySet:
    """Return a QuerySet of the row, which is empty once this claim is lost."""
    return DocumentationReview.objects.filter(pk=review.pk, status=Status.RUNNING, attempts=review.attempts)


def _retry_or_fail(review: DocumentationReview, error: AIUnavailableError) -> None:
    """Requeue the review and raise RetryLaterError, or mark it failed if a retry cannot help or none is left."""
    logger.warning("Documentation not compared: %s", error.code, extra={"session_id": review.session_id})
    if not error.retryable or review.attempts >= settings.TASK_ATTEMPTS:
        _claimed(review).update(status=Status.FAILED, failure=_FAILURE_MESSAGE)
        return
    _claimed(review).update(status=Status.QUEUED, touched_at=timezone.now())
    raise grading.RetryLaterError(min(error.retry_after or 2.0**review.attempts, _MAX_RETRY_SECONDS))


def retry_documentation(review: DocumentationReview) -> bool:
    """Queue a failed comparison again. Return False if it has not failed."""
    failed = DocumentationReview.objects.filter(pk=review.pk, status=Status.FAILED)
    with transaction.atomic():
        if not failed.update(status=Status.QUEUED, attempts=0, failure="", touched_at=timezone.now()):
            return False
        transaction.on_commit(lambda: tasks.review_documentation.delay(str(review.pk)), robust=True)
    return True


def sweep_documentation() -> int:
    """Requeue the comparisons whose task was lost. Return their number."""
    lost = list(DocumentationReview.objects.lost(grading.lost_claim_cutoff()).values_list("pk", flat=True))
    for review_id in lost:
        tasks.review_documentation.apply_async((str(review_id),), expires=settings.SWEEP_EVERY)
    return len(lost)
