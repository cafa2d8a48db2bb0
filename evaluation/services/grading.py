"""Feedback on a session: asked for, claimed, graded and stored, once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.limits import TooOften
from accounts.models import Account, User
from accounts.services.indexing import index_of
from ai import AIUnavailable, find_instructions
from evaluation import openai_grader, rubric, scoring
from evaluation.answers import Flagged
from evaluation.feedback import concerns_of, flags_of, proven_feedback, proven_results
from evaluation.flags import Found, Severity
from evaluation.measures import measures_of
from evaluation.models import CriterionResult, Evaluation, EvaluationQuerySet, Flag, Scan
from evaluation.openai_grader import Case, Graded, Procedures
from evaluation.proof import Line
from evaluation.services.publishing import publish
from evaluation.tasks import alert_supervisors, grade_session
from scenarios.checks import ScenarioCheck, proposed_checks
from scenarios.models import ScenarioVersion
from training.models import EndReason, Session, TranscriptTurn, heard_turns
from training.services.assignments import settle
from training.services.lines import is_in_use
from training.services.refusals import SessionRefused
from training.services.sessions import end_session
from training.services.turns import settle_turns

logger = logging.getLogger(__name__)

FEWEST_TURNS = 2
MOST_AN_HOUR = 3  # gradings of one conversation that people ask for
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

    Raises SessionRefused for someone else's live session, which is graded when it ends, and for one that was stopped;
    TooOften where it was asked for again and again.
    """
    if session.is_live and session.counselor_id != by.pk:
        raise SessionRefused("session_live", "This conversation is under way. It is graded when it ends.", session.pk)
    if session.was_stopped:
        raise SessionRefused("stopped", "This conversation was stopped, so it is not graded.", session.pk)
    end_session(session, EndReason.FEEDBACK)
    newest = session.evaluations.newest_first().first()
    if newest and not may_be_graded_again(newest):
        return newest
    _check_not_too_often(session)
    return queue_evaluation(session, by)


def _check_not_too_often(session: Session) -> None:
    """Each grading costs. Raises TooOften."""
    hour_ago = timezone.now() - timedelta(hours=1)
    lately = session.evaluations.filter(created_at__gt=hour_ago).order_by("created_at")
    if len(lately) >= MOST_AN_HOUR:
        wait = 1 + int((lately[0].created_at - hour_ago).total_seconds())
        raise TooOften(
            f"Feedback on a conversation is asked for at most {MOST_AN_HOUR} times an hour. It is kept; "
            f"try again in {wait // 60 + 1} minutes.",
            wait,
        )


def grade(evaluation_id: UUID) -> None:
    """Grade one evaluation, once however often this is called. Raises NotYet when it should be tried again."""
    evaluation = Evaluation.objects.select_related("session__scenario_version").get(pk=evaluation_id)
    session = evaluation.session
    if is_in_use(session):
        raise NotYet(_STILL_SAVING)
    if not _claim(evaluation):
        return
    settle_turns(session)
    turns = heard_turns(session.transcript())
    lines = lines_of(turns)
    if not session.is_gradable:
        _close(evaluation, Evaluation.Status.NOT_GRADABLE, session.not_gradable_reason)
    elif len(lines) < FEWEST_TURNS or not any(line.is_counselor for line in lines):
        _close(evaluation, Evaluation.Status.TOO_SHORT)
    else:
        _grade_lines(evaluation, turns, lines)


def _claim(evaluation: Evaluation) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = Evaluation.objects.filter(pk=evaluation.pk)
    abandoned = Q(status=Evaluation.Status.RUNNING, touched_at__lt=lost_before())
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


@transaction.atomic
def _close(evaluation: Evaluation, status: str, failure: str = "") -> None:
    if _mine(evaluation).update(status=status, failure=failure, completed_at=timezone.now()):
        # An earlier attempt may have waited for what becomes of this one.
        settle(evaluation.session)


def lines_of(turns: Sequence[TranscriptTurn]) -> list[Line]:
    """Turns as the grader is shown them; what speaks to it is barred."""
    return [
        Line(
            f"t{number}",
            str(turn.pk),
            turn.is_by_counselor,
            turn.text_heard,
            tuple(find_instructions(turn.text_heard)),
        )
        for number, turn in enumerate(turns, 1)
    ]


def _grade_lines(evaluation: Evaluation, turns: Sequence[TranscriptTurn], lines: Sequence[Line]) -> None:
    session = evaluation.session
    case = _case(session, lines)
    try:
        graded = openai_grader.ask(case, is_last_try=evaluation.attempts >= settings.TASK_ATTEMPTS)
        results = proven_results(case, graded)
        _refuse_replaced(session, case, graded)
    except AIUnavailable as error:
        _try_again_or_fail(evaluation, error)
        return
    scan, scanned = _scan(case)
    found = flags_of(case, graded.grading.flags, scanned)
    concerns = concerns_of(case, graded, results, found)
    fields = proven_feedback(case, graded, results) | {
        "measures": measures_of(turns, session.is_phone),
        "needs_person": concerns,
        "is_waiting": bool(concerns),
    }
    _fill(evaluation, results, found, scan, fields)


def _case(session: Session, lines: Sequence[Line]) -> Case:
    version = session.scenario_version
    # Read now: the document that counts is the one in force when grading runs.
    account = _account_of(session)
    document = account.procedures if account else None
    context = version.evaluator_context if version else ""
    procedures = None
    if account and document:
        index = index_of(document) if document.page_count is not None else None
        procedures = Procedures(account.vector_store_id, str(document.pk), document.openai_file_id, index)
    return Case(
        session_id=str(session.pk),
        scenario_id=str(session.scenario_id or ""),
        checks=[*rubric.general_checks(procedures is not None), *rubric.scenario_checks(_checks_of(version))],
        lines=lines,
        evaluator_context=context,
        policy_sections=version.relevant_policy_sections if version else "",
        procedures=procedures,
        is_document_steering=bool(document and document.instructions),
    )


def _checks_of(version: ScenarioVersion | None) -> list[ScenarioCheck]:
    """A version from before checks were fixed has what its context proposes."""
    if version is None:
        return []
    return version.checks or proposed_checks(version.evaluator_context)


def _account_of(session: Session) -> Account | None:
    version = session.scenario_version
    if version is None or version.account_id is None:
        return None
    return Account.objects.select_related("procedures").get(pk=version.account_id)


def _refuse_replaced(session: Session, case: Case, graded: Graded) -> None:
    """A document that was replaced while it was searched may already have been gone from the store."""
    if case.procedures is None or graded.passages:
        return
    account = _account_of(session)
    if account and str(account.procedures_id) != case.procedures.document_id:
        raise AIUnavailable("document_replaced", retryable=True)


def _scan(case: Case) -> tuple[Scan, list[Flagged]]:
    """The second look. Without it a grade is still a grade; that it is missing is kept."""
    scan = Scan(prompt_version=openai_grader.SCAN_PROMPT_VERSION)
    try:
        scanned, response = openai_grader.scan(case)
    except AIUnavailable as error:
        logger.warning("Not scanned: %s", error.code, extra={"session_id": case.session_id})
        scan.status = Scan.Status.FAILED
        return scan, []
    scan.status = Scan.Status.FLAGGED if scanned.flags else Scan.Status.CLEAN
    scan.model = response.model
    if response.usage:
        scan.input_tokens, scan.output_tokens = response.usage.input_tokens, response.usage.output_tokens
    return scan, scanned.flags


def _try_again_or_fail(evaluation: Evaluation, error: AIUnavailable) -> None:
    logger.warning("Grading failed: %s", error.code, extra={"session_id": evaluation.session_id})
    if not error.retryable or evaluation.attempts >= settings.TASK_ATTEMPTS:
        _close(evaluation, Evaluation.Status.FAILED, _FAILED)
        return
    _mine(evaluation).update(status=Evaluation.Status.QUEUED, touched_at=timezone.now())
    raise NotYet(min(error.retry_after or 2.0**evaluation.attempts, _LONGEST_WAIT))


@transaction.atomic
def _fill(
    evaluation: Evaluation,
    results: Sequence[CriterionResult],
    found: Sequence[Found],
    scan: Scan,
    fields: dict[str, object],
) -> None:
    """Store the feedback, once: only the claim that still stands may."""
    points = scoring.total((result.verdict, result.weight, result.is_red_line) for result in results)
    if points is None:
        _close(evaluation, Evaluation.Status.NOT_GRADABLE, "Nothing in this conversation could be assessed.")
        return
    is_held = Evaluation.Concern.STEERED in fields["needs_person"]  # type: ignore[operator]
    if not _mine(evaluation).update(
        status=Evaluation.Status.HELD if is_held else Evaluation.Status.COMPLETED,
        completed_at=timezone.now(),
        score=points.score,
        grade=points.grade,
        capped_from=points.capped_from,
        **fields,
    ):
        return
    owner = {"evaluation": evaluation, "organization_id": evaluation.organization_id}
    for result in results:
        result.evaluation, result.organization_id = evaluation, evaluation.organization_id
    scan.evaluation, scan.organization_id = evaluation, evaluation.organization_id
    CriterionResult.objects.bulk_create(results)
    scan.save()
    Flag.objects.bulk_create(
        Flag(
            kind=one.kind,
            severity=one.severity,
            source=one.source,
            note=one.note,
            turn=one.turn,
            quote=one.quote,
            session_id=evaluation.session_id,
            **owner,
        )
        for one in found
    )
    if any(one.severity == Severity.CRITICAL for one in found):
        transaction.on_commit(lambda: alert_supervisors.delay(str(evaluation.pk)), robust=True)
    if not is_held:
        publish(evaluation, points.score, points.grade)


def sweep_evaluations() -> int:
    """Queue again the evaluations whose task was lost, and the alerts. Return how many evaluations."""
    lost = list(Evaluation.objects.lost(lost_before()).values_list("pk", flat=True))
    for evaluation_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        grade_session.apply_async((str(evaluation_id),), expires=settings.SWEEP_EVERY)
    for evaluation_id in Evaluation.objects.unalerted(lost_before()).values_list("pk", flat=True)[:100]:
        alert_supervisors.apply_async((str(evaluation_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)
