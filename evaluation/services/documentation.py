"""Documentation by counselors, submitted once for a session. A worker compares it with the transcript."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.procedures.reading_limits import DOCUMENTATION
from accounts.procedures.unread_parts import UnreadPart, explain_unread_parts
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from accounts.web.visible_text import clean_filename
from evaluation import tasks
from evaluation.files.text_extraction import DocumentRejectedError, extract_document_text
from evaluation.models import DocumentationReview, Guidelines
from training.models import Session, heard_turns

MIN_TURNS = 3  # shortest conversation that can be documented
_PREVIEW_SECONDS = 24 * 60 * 60  # seconds for which a preview can be submitted
_SALT = "evaluation.documentation"


@dataclass(frozen=True)
class ReadDocumentation:
    """The text that was read from a file, before it is submitted."""

    filename: str
    text: str
    unread: list[UnreadPart]

    @property
    def unread_sentences(self) -> list[str]:
        return explain_unread_parts(self.unread)

    @property
    def needs_preview(self) -> bool:
        """Return True unless the file is plain text, which is read as it is."""
        return PurePosixPath(self.filename).suffix.lower() not in {".txt", ".md"}

    def sign(self, session: Session) -> str:
        """Return the document as signed text for a hidden field, valid only for this session."""
        return signing.dumps(asdict(self), salt=f"{_SALT}:{session.pk}", compress=True)

    @classmethod
    def unsign(cls, session: Session, signed: str) -> ReadDocumentation:
        """Return the document that `sign` wrote. Raise DocumentRejectedError if it was changed or is too old."""
        try:
            return cls(**signing.loads(signed, salt=f"{_SALT}:{session.pk}", max_age=_PREVIEW_SECONDS))
        except signing.BadSignature as error:
            raise DocumentRejectedError(_("This preview has expired. Choose the file again.")) from error


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


def read_documentation(session: Session, by: User, file: UploadedFile) -> ReadDocumentation:
    """Return the name and the text of a file for a preview. Nothing is kept.

    Raise DocumentRejectedError if the file cannot be accepted.
    """
    if not can_submit_documentation(session, by):
        raise DocumentRejectedError(
            _("You can submit documentation once for each of your own conversations, after it is graded.")
        )
    extracted = extract_document_text(file, DOCUMENTATION)
    return ReadDocumentation(clean_filename(file.name or "", 200), extracted.text, extracted.unread)


def submit_documentation(session: Session, by: User, document: ReadDocumentation) -> DocumentationReview:
    """Store the documentation and queue its comparison.

    Raise DocumentRejectedError if it cannot be accepted, and RateLimitExceededError above the rate limit.
    """
    if not can_submit_documentation(session, by):
        raise DocumentRejectedError(
            _("You can submit documentation once for each of your own conversations, after it is graded.")
        )
    spend(UsageKind.UPLOADS, by)
    try:
        with transaction.atomic():
            review = DocumentationReview.objects.create(
                organization_id=session.organization_id,
                session=session,
                filename=document.filename,
                text=document.text,
                unread=document.unread,
                guidelines=Guidelines.objects.for_user(by).first(),
            )
            queue_on_commit(tasks.review_documentation, str(review.pk))
    except IntegrityError as error:
        raise DocumentRejectedError(_("Documentation for this conversation has already been submitted.")) from error
    return review


def retry_documentation(review: DocumentationReview, by: User) -> bool:
    """Queue a failed comparison again. Return False if it has not failed.

    Raise RateLimitExceededError, and change nothing, above the rate limit.
    """
    status = DocumentationReview.Status
    failed = DocumentationReview.objects.filter(pk=review.pk, status=status.FAILED)
    with transaction.atomic():
        if not failed.requeue(status=status.QUEUED, failure=""):
            return False
        spend(UsageKind.GRADINGS, by, conversation=review.session_id)
        queue_on_commit(tasks.review_documentation, str(review.pk))
    return True
