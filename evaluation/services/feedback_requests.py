"""Requests for feedback, which queue gradings, and their rate limit."""

from django.core.exceptions import PermissionDenied
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

    A grading that a person requests counts toward the rate limits. Above one, raise RateLimitExceededError. The
    automatic grading after a session does not count, so that it is never refused.
    """
    evaluation, is_new = Evaluation.objects.queue_for(session, by)
    if not is_new:
        return evaluation
    # Only the request that created the row counts. If it is above a limit, the row is rolled back.
    if by is not None:
        spend(UsageKind.GRADINGS, by, conversation=session.pk)
    # Robust: an unreachable broker loses nothing, because the sweep finds the evaluation.
    queue_on_commit(tasks.grade_session, str(evaluation.pk))
    return evaluation


def can_request_feedback(newest: Evaluation | None) -> bool:
    """Return whether feedback can be requested: there is none yet or the newest failed, and none is under way."""
    return newest is None or newest.status == Evaluation.Status.FAILED


def may_request_feedback(session: Session, by: User) -> bool:
    """Return whether `by` may request grading, which costs money, for their own session or, if permitted, any."""
    return session.counselor_id == by.pk or by.has_perm("evaluation.grade_evaluation")


def _check_may_request(session: Session, by: User) -> None:
    if not may_request_feedback(session, by):
        raise PermissionDenied(_("You don’t have permission to request feedback for other people."))


def request_feedback(session: Session, by: User) -> Evaluation:
    """End the user's own session if it is live, and queue its grading.

    Return the new evaluation, or the newest existing one unless it has failed.

    Raise PermissionDenied for someone else's session without the permission to grade it.
    Raise SessionRefusedError for someone else's live session, which is graded when it ends, and for a stopped one.
    Raise RateLimitExceededError if too many were requested.
    """
    _check_may_request(session, by)
    _check_gradable(session, may_be_live=session.counselor_id == by.pk)
    end_session(session, EndReason.FEEDBACK)
    newest = session.evaluations.newest_first().first()
    if newest and not can_request_feedback(newest):
        return newest
    return queue_evaluation(session, by)


def grade_again(session: Session, by: User) -> Evaluation:
    """Queue a new grading of an ended session, or return the one under way. People's verdicts are kept.

    Raise PermissionDenied without the permission to grade, SessionRefusedError for a live or stopped session, and
    RateLimitExceededError if too many were requested.
    """
    if not by.has_perm("evaluation.grade_evaluation") or session.organization_id != by.organization_id:
        raise PermissionDenied(_("You don’t have permission to grade conversations again."))
    _check_gradable(session)
    return queue_evaluation(session, by)


def _check_gradable(session: Session, may_be_live: bool = False) -> None:
    """Raise SessionRefusedError for a stopped session, a warm-up call, and a live one unless it may be live."""
    if session.is_warm_up:
        raise SessionRefusedError("warm_up", _("A warm-up call is never graded."), session.pk)
    if session.is_live and not may_be_live:
        raise SessionRefusedError(
            "session_live", _("This conversation is still in progress. It is graded when it ends."), session.pk
        )
    if session.was_stopped:
        raise SessionRefusedError("stopped", _("This conversation was stopped, so it isn’t graded."), session.pk)
