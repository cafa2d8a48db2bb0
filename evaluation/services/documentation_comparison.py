"""Workers' comparison of documentation with the transcript. Each submission is claimed, compared, and stored once."""

import logging
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.services.leases import RetryLaterError, fail_when_out_of_time, keep_claimed, retry_delay
from ai import AIUnavailableError, find_injections, remove_injections
from evaluation.grading import openai_grader
from evaluation.grading.documentation_report import build_documentation_report
from evaluation.grading.verification import hash_transcript
from evaluation.models import DocumentationReview
from evaluation.services.grading import build_grader_turns
from training.models import heard_turns

logger = logging.getLogger(__name__)

_FAILURE_MESSAGE = gettext_noop("We couldn’t compare your documentation with the conversation. It is saved. Try again.")
Status = DocumentationReview.Status


def compare_documentation(review_id: UUID) -> None:
    """Compare a submission, at most once. Raise RetryLaterError if it should be tried again."""
    failed = {"status": Status.FAILED, "failure": _FAILURE_MESSAGE}
    lease = settings.TASK_LOST_AFTER
    review = DocumentationReview.objects.claim_or_fail(review_id, lease, failed, status=Status.RUNNING)
    if review is None:
        return
    claimed = DocumentationReview.objects.fenced(review)
    with (
        fail_when_out_of_time(lambda reason: claimed.settle(status=Status.FAILED, failure=reason)),
        keep_claimed(review, lease),
    ):
        _compare_claimed(review)


def _compare_claimed(review: DocumentationReview) -> None:
    lines = build_grader_turns(heard_turns(review.session.transcript()))
    guidelines = review.guidelines.text if review.guidelines else ""
    try:
        comparison, response = openai_grader.request_comparison(
            lines, _strip_prompt_injection(review.text), _strip_prompt_injection(guidelines)
        )
    except AIUnavailableError as error:
        _retry_or_fail(review, error)
        return
    report = build_documentation_report(comparison, lines, review.text, guidelines)
    DocumentationReview.objects.fenced(review).settle(
        status=Status.COMPLETED,
        completed_at=timezone.now(),
        model=response.model,
        prompt_version=openai_grader.DOCUMENTATION_PROMPT_VERSION,
        transcript_hash=hash_transcript(lines),
        input_tokens=response.input_tokens,
        output_tokens=response.output_tokens,
        accuracy=report.accuracy,
        compliance=report.compliance,
        overall=report.overall,
        gaps=report.gaps,
        summary=comparison.summary,
    )


def _strip_prompt_injection(text: str) -> str:
    """Remove prompt injections: documentation is data, not instructions."""
    return remove_injections(text, find_injections(text, is_document=True))


def _retry_or_fail(review: DocumentationReview, error: AIUnavailableError) -> None:
    """Requeue the review and raise RetryLaterError, or mark it failed if a retry cannot help or none is left."""
    logger.warning("Documentation not compared: %s", error.code, extra={"session_id": review.session_id})
    if not error.retryable or review.attempts >= settings.TASK_ATTEMPTS:
        DocumentationReview.objects.fenced(review).settle(status=Status.FAILED, failure=_FAILURE_MESSAGE)
        return
    delay = retry_delay(review.attempts, error.retry_after)
    if DocumentationReview.objects.fenced(review).put_back(delay, status=Status.QUEUED):
        raise RetryLaterError(delay)
