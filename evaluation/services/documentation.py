"""Documentation by counselors, submitted once for a session. A worker compares it with the transcript."""

from pathlib import PurePosixPath

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.task_queue import queue_on_commit
from evaluation import tasks
from evaluation.files.text_extraction import DocumentRejectedError, extract_document_text
from evaluation.models import DocumentationReview, Guidelines
from training.models import Session, heard_turns

MIN_TURNS = 3  # shortest conversation that can be documented


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

    A rejected file is not kept. Only the name and the text of an accepted file are kept.
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
            queue_on_commit(tasks.review_documentation, str(review.pk))
    except IntegrityError as error:
        raise DocumentRejectedError(_("Documentation for this conversation has already been submitted.")) from error
    return review


def retry_documentation(review: DocumentationReview) -> bool:
    """Queue a failed comparison again. Return False if it has not failed."""
    status = DocumentationReview.Status
    failed = DocumentationReview.objects.filter(pk=review.pk, status=status.FAILED)
    with transaction.atomic():
        if not failed.requeue(status=status.QUEUED, failure=""):
            return False
        queue_on_commit(tasks.review_documentation, str(review.pk))
    return True
