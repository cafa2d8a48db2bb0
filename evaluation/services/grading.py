"""Grading of sessions: requested, claimed, graded, and stored exactly once."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.models import Account, User
from accounts.procedures.indexing import build_citation_index
from accounts.services.rate_limits import RateLimitExceededError
from ai import AIUnavailableError, find_injections
from evaluation import tasks
from evaluation.grading import openai_grader, rubric, scoring
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import GradingInput, GradingOutput, ProceduresSearch
from evaluation.grading.schemas import FlagAnswer
from evaluation.grading.verification import collect_flags, find_concerns, verify_feedback, verify_results
from evaluation.models import CriterionResult, Evaluation, EvaluationQuerySet, Flag, Scan
from evaluation.models.flag_kinds import FlagFinding, FlagSeverity
from evaluation.reports.measures import measure_conversation
from evaluation.services.publishing import publish_feedback
from scenarios.models import ScenarioVersion
from scenarios.models.scenario_checks import ScenarioCheck, propose_checks
from training.models import EndReason, Session, TranscriptTurn, heard_turns
from training.services.assignments import update_completion
from training.services.call_leases import is_call_held
from training.services.errors import SessionRefusedError
from training.services.sessions import end_session
from training.services.turns import close_open_turns

logger = logging.getLogger(__name__)

MIN_TURNS = 2  # shortest conversation that is graded
MAX_REQUESTS_PER_HOUR = 3  # gradings of one conversation
_SAVING_RECHECK_SECONDS = 1.0  # wait while the call's gateway may still be saving turns
_MAX_RETRY_SECONDS = 60.0  # limit on a longer Retry-After: the sweep would not wait longer either
_FAILURE_MESSAGE = gettext_noop("We couldn’t grade this conversation. It is saved. You can request feedback again.")
_NOTHING_APPLIED = gettext_noop("None of the criteria apply to this conversation.")


class RetryLaterError(Exception):
    """Request to run the task again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@transaction.atomic
def queue_evaluation(session: Session, by: User | None = None) -> Evaluation:
    """Queue the grading of a session. Return its evaluation: the one under way, or else the next version."""
    evaluation = Evaluation.objects.queue_for(session, by)
    # Robust: an unreachable broker loses nothing, because the sweep finds the evaluation.
    transaction.on_commit(lambda: tasks.grade_session.delay(str(evaluation.pk)), robust=True)
    return evaluation


def can_request_feedback(newest: Evaluation | None) -> bool:
    """Return whether feedback can be requested: there is none yet or the newest failed, and none is under way."""
    return newest is None or newest.status == Evaluation.Status.FAILED


def request_feedback(session: Session, by: User) -> Evaluation:
    """End the user's own session if it is live, and queue its grading. Return existing feedback or the one under way.

    Raise SessionRefusedError for someone else's live session, which is graded when it ends, and for a stopped one.
    Raise RateLimitExceededError after `MAX_REQUESTS_PER_HOUR`.
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
    _check_request_limit(session)
    return queue_evaluation(session, by)


def _check_request_limit(session: Session) -> None:
    """Raise RateLimitExceededError after `MAX_REQUESTS_PER_HOUR` gradings, because each one costs money."""
    hour_ago = timezone.now() - timedelta(hours=1)
    lately = session.evaluations.filter(created_at__gt=hour_ago).order_by("created_at")
    if len(lately) >= MAX_REQUESTS_PER_HOUR:
        wait = 1 + int((lately[0].created_at - hour_ago).total_seconds())
        raise RateLimitExceededError(
            ngettext(
                "You can request feedback %(count)s time an hour. Try again in %(minutes)s min.",
                "You can request feedback %(count)s times an hour. Try again in %(minutes)s min.",
                MAX_REQUESTS_PER_HOUR,
            )
            % {"count": MAX_REQUESTS_PER_HOUR, "minutes": wait // 60 + 1},
            wait,
        )


def grade_evaluation(evaluation_id: UUID) -> None:
    """Grade an evaluation, once however often this is called. Raise RetryLaterError if it should be tried again."""
    evaluation = Evaluation.objects.select_related("session__scenario_version").get(pk=evaluation_id)
    session = evaluation.session
    if is_call_held(session):
        raise RetryLaterError(_SAVING_RECHECK_SECONDS)
    if not _claim(evaluation):
        return
    close_open_turns(session)
    turns = heard_turns(session.transcript())
    lines = build_grader_turns(turns)
    if not session.is_gradable:
        _finish_ungraded(evaluation, Evaluation.Status.NOT_GRADABLE, session.not_gradable_reason)
    elif len(lines) < MIN_TURNS or not any(line.is_counselor for line in lines):
        _finish_ungraded(evaluation, Evaluation.Status.TOO_SHORT)
    else:
        _grade_turns(evaluation, turns, lines)


def _claim(evaluation: Evaluation) -> bool:
    """Claim the evaluation for this worker. Return False if it is held elsewhere, finished, or out of tries.

    The conditional UPDATE is the lock. A claim older than the deadline belongs to a worker that is gone.
    """
    rows = Evaluation.objects.filter(pk=evaluation.pk)
    abandoned = Q(status=Evaluation.Status.RUNNING, touched_at__lt=lost_claim_cutoff())
    if rows.filter(abandoned, attempts__gte=settings.TASK_ATTEMPTS).update(
        status=Evaluation.Status.FAILED, failure=_FAILURE_MESSAGE
    ):
        return False
    claimed = rows.filter(abandoned | Q(status=Evaluation.Status.QUEUED)).update(
        status=Evaluation.Status.RUNNING, attempts=F("attempts") + 1, touched_at=timezone.now()
    )
    evaluation.refresh_from_db(fields=["status", "attempts"])
    return bool(claimed)


def _claimed(evaluation: Evaluation) -> EvaluationQuerySet:
    """Return a QuerySet of the row, which is empty once this claim is lost."""
    return Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.RUNNING, attempts=evaluation.attempts)


@transaction.atomic
def _finish_ungraded(evaluation: Evaluation, status: str, failure: str = "") -> None:
    """Close the evaluation without a grade, if this claim still holds."""
    if _claimed(evaluation).update(status=status, failure=failure, completed_at=timezone.now()):
        # The assignment may have been kept open for the outcome of this attempt.
        update_completion(evaluation.session)


def build_grader_turns(turns: Sequence[TranscriptTurn]) -> list[GraderTurn]:
    """Number the turns `t1`, `t2`, … for the grader, and mark prompt injections for redaction."""
    return [
        GraderTurn(
            f"t{number}",
            str(turn.pk),
            turn.is_by_counselor,
            turn.text_heard,
            tuple(find_injections(turn.text_heard)),
        )
        for number, turn in enumerate(turns, 1)
    ]


def _grade_turns(evaluation: Evaluation, turns: Sequence[TranscriptTurn], lines: Sequence[GraderTurn]) -> None:
    session = evaluation.session
    case = _build_grading_input(session, lines)
    try:
        graded = openai_grader.request_grading(case, is_last_try=evaluation.attempts >= settings.TASK_ATTEMPTS)
        results = verify_results(case, graded)
        _check_procedures_unchanged(session, case, graded)
    except AIUnavailableError as error:
        _retry_or_fail(evaluation, error)
        return
    scan, scanned = _run_scan(case)
    found = collect_flags(case, graded.answer.flags, scanned)
    concerns = find_concerns(case, graded, results, found)
    fields = verify_feedback(case, graded, results) | {
        "measures": measure_conversation(turns, session.is_phone),
        "needs_person": concerns,
        "is_waiting": bool(concerns),
    }
    _store_result(evaluation, results, found, scan, fields)


def _build_grading_input(session: Session, lines: Sequence[GraderTurn]) -> GradingInput:
    version = session.scenario_version
    # Read as late as possible: the document in force when grading runs is the one that counts.
    account = _account_of(session)
    document = account.procedures if account else None
    context = version.evaluator_context if version else ""
    procedures = None
    if account and document:
        index = build_citation_index(document) if document.page_count is not None else None
        procedures = ProceduresSearch(account.vector_store_id, str(document.pk), document.openai_file_id, index)
    return GradingInput(
        session_id=str(session.pk),
        scenario_id=str(session.scenario_id or ""),
        checks=[*rubric.general_checks(procedures is not None), *rubric.scenario_checks(_checks_of(version))],
        lines=lines,
        evaluator_context=context,
        policy_sections=version.relevant_policy_sections if version else "",
        procedures=procedures,
        has_injection_in_procedures=bool(document and document.instructions),
    )


def _checks_of(version: ScenarioVersion | None) -> list[ScenarioCheck]:
    """Return the version's checks. One saved before checks were fixed gets those that its context proposes."""
    if version is None:
        return []
    return version.checks or propose_checks(version.evaluator_context)


def _account_of(session: Session) -> Account | None:
    version = session.scenario_version
    if version is None or version.account_id is None:
        return None
    return Account.objects.select_related("procedures").get(pk=version.account_id)


def _check_procedures_unchanged(session: Session, case: GradingInput, graded: GradingOutput) -> None:
    """Raise AIUnavailableError if the search found nothing and the document was replaced in the meantime.

    The old document may already have been gone from the vector store when it was searched.
    """
    if case.procedures is None or graded.passages:
        return
    account = _account_of(session)
    if account and str(account.procedures_id) != case.procedures.document_id:
        raise AIUnavailableError("document_replaced", retryable=True)


def _run_scan(case: GradingInput) -> tuple[Scan, list[FlagAnswer]]:
    """Return the unsaved scan and its flags. If it fails, record that: the grade stands without it."""
    scan = Scan(prompt_version=openai_grader.SCAN_PROMPT_VERSION)
    try:
        scanned, response = openai_grader.request_scan(case)
    except AIUnavailableError as error:
        logger.warning("Not scanned: %s", error.code, extra={"session_id": case.session_id})
        scan.status = Scan.Status.FAILED
        return scan, []
    scan.status = Scan.Status.FLAGGED if scanned.flags else Scan.Status.CLEAN
    scan.model = response.model
    if response.usage:
        scan.input_tokens, scan.output_tokens = response.usage.input_tokens, response.usage.output_tokens
    return scan, scanned.flags


def _retry_or_fail(evaluation: Evaluation, error: AIUnavailableError) -> None:
    """Requeue the evaluation and raise RetryLaterError, or mark it failed if a retry cannot help or none is left."""
    logger.warning("Grading failed: %s", error.code, extra={"session_id": evaluation.session_id})
    if not error.retryable or evaluation.attempts >= settings.TASK_ATTEMPTS:
        _finish_ungraded(evaluation, Evaluation.Status.FAILED, _FAILURE_MESSAGE)
        return
    _claimed(evaluation).update(status=Evaluation.Status.QUEUED, touched_at=timezone.now())
    raise RetryLaterError(min(error.retry_after or 2.0**evaluation.attempts, _MAX_RETRY_SECONDS))


@transaction.atomic
def _store_result(
    evaluation: Evaluation,
    results: Sequence[CriterionResult],
    found: Sequence[FlagFinding],
    scan: Scan,
    fields: dict[str, object],
) -> None:
    """Store the feedback once: only if this claim still holds."""
    points = scoring.compute_score((result.verdict, result.weight, result.is_red_line) for result in results)
    if points is None:
        _finish_ungraded(evaluation, Evaluation.Status.NOT_GRADABLE, _NOTHING_APPLIED)
        return
    is_held = Evaluation.Concern.PROMPT_INJECTION in fields["needs_person"]  # type: ignore[operator]
    if not _claimed(evaluation).update(
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
    if any(one.severity == FlagSeverity.CRITICAL for one in found):
        transaction.on_commit(lambda: tasks.alert_supervisors.delay(str(evaluation.pk)), robust=True)
    if not is_held:
        publish_feedback(evaluation, points.score, points.grade)


def sweep_evaluations() -> int:
    """Requeue the evaluations whose task was lost, and unsent alerts. Return the number of evaluations."""
    lost = list(Evaluation.objects.lost(lost_claim_cutoff()).values_list("pk", flat=True))
    for evaluation_id in lost:
        # Expires before the next sweep: if workers fall behind, repeated sweeps must not flood their queue.
        tasks.grade_session.apply_async((str(evaluation_id),), expires=settings.SWEEP_EVERY)
    for evaluation_id in Evaluation.objects.unalerted(lost_claim_cutoff()).values_list("pk", flat=True)[:100]:
        tasks.alert_supervisors.apply_async((str(evaluation_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def lost_claim_cutoff() -> datetime:
    """Return the time before which an untouched row counts as lost."""
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)
