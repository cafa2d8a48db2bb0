"""Requests for feedback, which queue gradings, and their rate limit."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from evaluation import tasks
from evaluation.models import Evaluation
from training.models import EndReason, Session
from training.services.errors import SessionRefusedError
from training.services.sessions import end_session


@transaction.atomic
def queue_evaluation(session: Session, by: User | None = None) -> Evaluation:
    """Queue the grading of a session. Return its evaluation: the one under way, or else the next version.

    A grading that a person requests counts toward the rate limits; the automatic one after a session must never be
    lost to them. Raise RateLimitExceededError.
    """
    if by is not None and not session.evaluations.under_way().exists():
        spend(UsageKind.GRADINGS, by, conversation=session.pk)
    evaluation = Evaluation.objects.queue_for(session, by)
    # Robust: an unreachable broker loses nothing, because the sweep finds the evaluation.
    queue_on_commit(tasks.grade_session, str(evaluation.pk))
    return evaluation


def can_request_feedback(newest: Evaluation | None) -> bool:
    """Return whether feedback can be requested: there is none yet or the newest failed, and none is under way."""
    return newest is None or newest.status == Evaluation.Status.FAILED


def request_feedback(session: Session, by: User) -> Evaluation:
    """End the user's own session if it is live, and queue its grading.

    Return the new evaluation, or the newest existing one unless it has failed.

    Raise SessionRefusedError for someone else's live session, which is graded when it ends, and for a stopped one.
    Raise RateLimitExceededError if too many were requested.
    """
    if session.is_live and session.counselor_id != by.pk:
        raise SessionRefusedError(
            "session_live", _("This conversation is still in progress. It is graded when it ends."), session.pk
        )
    if session.was_stopped:
        raise SessionRefusedError("stopped", _("This conversation was stopped, so it isn’t graded."), session.pk)
    end_session(session, EndReason.FEEDBACK)
    newest = session.evaluations.newest_first().first()
    if newest and not can_request_feedback(newest):
        return newest
    return queue_evaluation(session, by)
