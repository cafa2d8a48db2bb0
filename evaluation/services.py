import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from ai import AIUnavailable
from evaluation import openai_grader, rubric, scoring
from evaluation.feedback import proven_feedback, proven_results
from evaluation.models import Comment, CriterionResult, Evaluation, EvaluationQuerySet, Flag
from evaluation.openai_grader import Case, Graded
from evaluation.proof import Line
from evaluation.tasks import grade_session
from training.models import EndReason, Session, heard_turns
from training.services.lines import is_in_use
from training.services.refusals import SessionRefused
from training.services.sessions import complete_assignment, end_session
from training.services.turns import settle_turns

logger = logging.getLogger(__name__)

FEWEST_TURNS = 2
_STILL_SAVING = 1.0  # seconds until we look again whether the call's gateway has saved everything
_LONGEST_WAIT = 60.0  # seconds, whatever Retry-After says: the sweep would not wait longer either
_FAILED = "The evaluator could not grade this conversation. It is kept; ask for feedback again."


class NotYet(Exception):
    """Look again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@transaction.atomic
def queue_evaluation(session: Session, by: User | None = None) -> Evaluation:
    """The next version of a session's feedback, in line to be graded."""
    evaluation = Evaluation.objects.queue_for(session, by)
    # Robust: a broker that is away loses nothing, the sweep finds the evaluation.
    transaction.on_commit(lambda: grade_session.delay(str(evaluation.pk)), robust=True)
    return evaluation


def may_be_graded_again(newest: Evaluation | None) -> bool:
    """Feedback can be asked for where it was never asked for or failed; never beside one that is under way."""
    return newest is None or newest.status == Evaluation.Status.FAILED


def ask_for_feedback(session: Session, by: User) -> Evaluation:
    """End one's own session if it is live, and have it graded. What is there or under way is not made again.

    Raises SessionRefused for someone else's live session: it is graded when it ends.
    """
    if session.is_live and session.counselor_id != by.pk:
        raise SessionRefused("session_live", "This conversation is under way. It is graded when it ends.", session.pk)
    end_session(session, EndReason.FEEDBACK)
    newest = session.evaluations.newest_first().first()
    return newest if newest and not may_be_graded_again(newest) else queue_evaluation(session, by)


def grade(evaluation_id: UUID) -> None:
    """Grade one evaluation, once however often this is called. Raises NotYet when it should be tried again."""
    evaluation = Evaluation.objects.select_related("session__scenario_version__account").get(pk=evaluation_id)
    session = evaluation.session
    if is_in_use(session):
        raise NotYet(_STILL_SAVING)
    if not _claim(evaluation):
        return
    settle_turns(session)
    lines = _lines(session)
    if not session.is_gradable:
        _close(evaluation, Evaluation.Status.NOT_GRADABLE, session.not_gradable_reason)
    elif len(lines) < FEWEST_TURNS or not any(line.is_counselor for line in lines):
        _close(evaluation, Evaluation.Status.TOO_SHORT)
    else:
        _grade_lines(evaluation, lines)


def _claim(evaluation: Evaluation) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = Evaluation.objects.filter(pk=evaluation.pk)
    abandoned = Q(status=Evaluation.Status.RUNNING, touched_at__lt=_lost_before())
    if rows.filter(abandoned, attempts__gte=settings.TASK_ATTEMPTS).update(
        status=Evaluation.Status.FAILED, failure=_FAILED
    ):
        return False
    claimed = rows.filter(abandoned | Q(status=Evaluation.Status.QUEUED)).update(
        status=Evaluation.Status.RUNNING, attempts=F("attempts") + 1, touched_at=timezone.now()
    )
    evaluation.refresh_from_db(fields=["status", "attempts"])
    return bool(claimed)


def _mine(evaluation: Evaluation) -> EvaluationQuerySet:
    """The row as long as this claim of it stands."""
    return Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.RUNNING, attempts=evaluation.attempts)


def _close(evaluation: Evaluation, status: str, failure: str = "") -> None:
    _mine(evaluation).update(status=status, failure=failure, completed_at=timezone.now())


def _lines(session: Session) -> list[Line]:
    heard = heard_turns(session.transcript())
    return [
        Line(f"t{number}", str(turn.pk), turn.is_by_counselor, turn.text_heard) for number, turn in enumerate(heard, 1)
    ]


def _grade_lines(evaluation: Evaluation, lines: Sequence[Line]) -> None:
    case = _case(evaluation.session, lines)
    try:
        graded = openai_grader.ask(case)
        results = proven_results(case, graded)
    except AIUnavailable as error:
        _try_again_or_fail(evaluation, error)
        return
    _fill(evaluation, case, graded, results)


def _case(session: Session, lines: Sequence[Line]) -> Case:
    version = session.scenario_version
    account = version.account if version else None
    context = version.evaluator_context if version else ""
    return Case(
        session_id=str(session.pk),
        checks=[*rubric.general_checks(), *rubric.scenario_checks(context)],
        lines=lines,
        evaluator_context=context,
        policy_sections=version.relevant_policy_sections if version else "",
        vector_store_id=account.vector_store_id if account and account.procedures_id else "",
    )


def _try_again_or_fail(evaluation: Evaluation, error: AIUnavailable) -> None:
    logger.warning("Grading failed: %s", error.code, extra={"session_id": evaluation.session_id})
    if not error.retryable or evaluation.attempts >= settings.TASK_ATTEMPTS:
        _close(evaluation, Evaluation.Status.FAILED, _FAILED)
        return
    _mine(evaluation).update(status=Evaluation.Status.QUEUED, touched_at=timezone.now())
    raise NotYet(min(error.retry_after or 2.0**evaluation.attempts, _LONGEST_WAIT))


@transaction.atomic
def _fill(evaluation: Evaluation, case: Case, graded: Graded, results: Sequence[CriterionResult]) -> None:
    """Store the feedback, once: only the claim that still stands may."""
    points = scoring.score((result.verdict, result.weight) for result in results)
    if points is None:
        _close(evaluation, Evaluation.Status.NOT_GRADABLE, "Nothing in this conversation could be assessed.")
        return
    if not _mine(evaluation).update(
        status=Evaluation.Status.COMPLETED,
        completed_at=timezone.now(),
        score=points,
        grade=scoring.grade_for(points),
        **proven_feedback(case, graded),
    ):
        return
    for result in results:
        result.evaluation, result.organization_id = evaluation, evaluation.organization_id
    CriterionResult.objects.bulk_create(results)
    Flag.objects.bulk_create(
        Flag(
            evaluation=evaluation,
            organization_id=evaluation.organization_id,
            kind=flag.kind[:60],
            severity=flag.severity,
            note=flag.note,
        )
        for flag in graded.grading.flags
    )
    complete_assignment(evaluation.session)


def sweep_evaluations() -> int:
    """Queue again the evaluations whose task was lost. Return how many."""
    lost = list(Evaluation.objects.lost(_lost_before()).values_list("pk", flat=True))
    for evaluation_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        grade_session.apply_async((str(evaluation_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)


def comment(session: Session, author: User, at_ms: int, text: str) -> Comment:
    """Say something to a moment of a call. Who asks must have been let through by `may_comment`."""
    return Comment.objects.create(
        organization_id=session.organization_id, session=session, author=author, at_ms=at_ms, text=text
    )
