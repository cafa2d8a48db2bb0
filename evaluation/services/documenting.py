"""A counselor's own documentation: taken once for a session, and compared with its transcript by a worker."""

import logging
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from ai import AIUnavailable, find_instructions, without_instructions
from evaluation import openai_grader
from evaluation.documentation import report_of
from evaluation.documents import DocumentRefused, read_documentation
from evaluation.feedback import hash_of
from evaluation.models import DocumentationReview, DocumentationReviewQuerySet, Guidelines
from evaluation.services.grading import NotYet, lines_of, lost_before
from evaluation.tasks import review_documentation
from training.models import Session, heard_turns

logger = logging.getLogger(__name__)

FEWEST_TURNS = 3
_LONGEST_WAIT = 60.0  # seconds, whatever Retry-After says
_FAILED = "The documentation could not be compared with the conversation. It is kept; try again."
Status = DocumentationReview.Status


def may_document(session: Session, by: User) -> bool:
    """Whether this person may hand in documentation now: their own session, graded, of three turns, once."""
    newest = session.evaluations.newest_first().first()
    return (
        session.counselor_id == by.pk
        and newest is not None
        and newest.is_completed
        and len(heard_turns(session.transcript())) >= FEWEST_TURNS
        and not DocumentationReview.objects.filter(session=session).exists()
    )


def submit_documentation(session: Session, by: User, file: UploadedFile) -> DocumentationReview:
    """Raises DocumentRefused. Nothing of a refused file is kept, and of one that is taken only its text."""
    if not may_document(session, by):
        raise DocumentRefused("Documentation is handed in once, by who held the conversation, after it is graded.")
    text = read_documentation(file)
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
            transaction.on_commit(lambda: review_documentation.delay(str(review.pk)), robust=True)
    except IntegrityError as error:
        raise DocumentRefused("Documentation of this conversation is there already.") from error
    return review


def compare_documentation(review_id: UUID) -> None:
    """Compare once, however often this is called. Raises NotYet when it should be tried again."""
    review = DocumentationReview.objects.select_related("session", "guidelines").get(pk=review_id)
    if not _claim(review):
        return
    lines = lines_of(heard_turns(review.session.transcript()))
    guidelines = review.guidelines.text if review.guidelines else ""
    try:
        compared, response = openai_grader.compare(lines, _harmless(review.text), _harmless(guidelines))
    except AIUnavailable as error:
        _try_again_or_fail(review, error)
        return
    report = report_of(compared, lines, review.text, guidelines)
    _mine(review).update(
        status=Status.COMPLETED,
        completed_at=timezone.now(),
        model=response.model,
        prompt_version=openai_grader.DOCUMENTATION_PROMPT_VERSION,
        transcript_hash=hash_of(lines),
        input_tokens=response.usage.input_tokens if response.usage else None,
        output_tokens=response.usage.output_tokens if response.usage else None,
        accuracy=report.accuracy,
        compliance=report.compliance,
        overall=report.overall,
        gaps=report.gaps,
        summary=compared.summary,
    )


def _harmless(text: str) -> str:
    """Documentation is data, too."""
    return without_instructions(text, find_instructions(text, is_document=True))


def _claim(review: DocumentationReview) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = DocumentationReview.objects.filter(pk=review.pk)
    abandoned = Q(status=Status.RUNNING, touched_at__lt=lost_before())
    if rows.filter(abandoned, attempts__gte=settings.TASK_ATTEMPTS).update(status=Status.FAILED, failure=_FAILED):
        return False
    claimed = rows.filter(abandoned | Q(status=Status.QUEUED)).update(
        status=Status.RUNNING, attempts=F("attempts") + 1, touched_at=timezone.now()
    )
    review.refresh_from_db(fields=["status", "attempts"])
    return bool(claimed)


def _mine(review: DocumentationReview) -> DocumentationReviewQuerySet:
    return DocumentationReview.objects.filter(pk=review.pk, status=Status.RUNNING, attempts=review.attempts)


def _try_again_or_fail(review: DocumentationReview, error: AIUnavailable) -> None:
    logger.warning("Documentation not compared: %s", error.code, extra={"session_id": review.session_id})
    if not error.retryable or review.attempts >= settings.TASK_ATTEMPTS:
        _mine(review).update(status=Status.FAILED, failure=_FAILED)
        return
    _mine(review).update(status=Status.QUEUED, touched_at=timezone.now())
    raise NotYet(min(error.retry_after or 2.0**review.attempts, _LONGEST_WAIT))


def retry_documentation(review: DocumentationReview) -> bool:
    """Queue a failed comparison again. False when it did not fail."""
    failed = DocumentationReview.objects.filter(pk=review.pk, status=Status.FAILED)
    with transaction.atomic():
        if not failed.update(status=Status.QUEUED, attempts=0, failure="", touched_at=timezone.now()):
            return False
        transaction.on_commit(lambda: review_documentation.delay(str(review.pk)), robust=True)
    return True


def sweep_documentation() -> int:
    """Queue again the comparisons whose task was lost. Return how many."""
    lost = list(DocumentationReview.objects.lost(lost_before()).values_list("pk", flat=True))
    for review_id in lost:
        review_documentation.apply_async((str(review_id),), expires=settings.SWEEP_EVERY)
    return len(lost)
