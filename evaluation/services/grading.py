"""Grading of sessions by workers. Each evaluation is claimed, graded, and stored exactly once."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Account, ProcedureDocument
from accounts.procedures.indexing import build_citation_index
from accounts.services.leases import RetryLaterError, fail_when_out_of_time, keep_claimed, retry_delay
from ai import AIUnavailableError, find_injections
from evaluation.grading import openai_grader, rubric, scoring
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import GradingInput, GradingOutput, ProceduresSearch
from evaluation.grading.schemas import FlagAnswer
from evaluation.grading.verification import collect_flags, find_concerns, verify_feedback, verify_results
from evaluation.models import CriterionResult, Evaluation, Flag, Scan
from evaluation.models.evaluations import WithoutProcedures
from evaluation.models.flag_kinds import FlagFinding, FlagSeverity
from evaluation.reports.conversation_measures import measure_conversation
from evaluation.services.carried_reviews import carry_reviews
from evaluation.services.publishing import publish_feedback
from training.models import Session, TranscriptTurn, heard_turns
from training.services.assignments import update_completion
from training.services.call_leases import is_call_held
from training.services.turns import close_open_turns

logger = logging.getLogger(__name__)

MIN_TURNS = 2  # shortest conversation that is graded
_SAVING_RECHECK_SECONDS = 1.0  # wait while the call's gateway may still be saving turns
_FAILURE_MESSAGE = gettext_noop("We couldn’t grade this conversation. It is saved. You can request feedback again.")
# Reasons why an account has no current document, by the status of its newest one.
_REASONS_BY_STATUS: dict[str, WithoutProcedures] = {
    ProcedureDocument.Status.PROCESSING: WithoutProcedures.PREPARING,
    ProcedureDocument.Status.UNCONFIRMED: WithoutProcedures.UNCONFIRMED,
    ProcedureDocument.Status.FAILED: WithoutProcedures.FAILED,
    ProcedureDocument.Status.READY: WithoutProcedures.MISSING,
}
# Concerns for which a person must look before the counselor does.
_HOLDING_CONCERNS = {Evaluation.Concern.PROMPT_INJECTION, Evaluation.Concern.POLICY}
_NOTHING_APPLIED = gettext_noop("None of the criteria apply to this conversation.")


def grade_evaluation(evaluation_id: UUID) -> bool:
    """Grade an evaluation, at most once. Raise RetryLaterError if it should be tried again.

    Return True if a critical flag or a crossed red line was found, so that the task alerts supervisors.
    """
    session = Session.objects.get(evaluations__pk=evaluation_id)
    if is_call_held(session):
        raise RetryLaterError(_SAVING_RECHECK_SECONDS)
    failed = {"status": Evaluation.Status.FAILED, "failure": _FAILURE_MESSAGE}
    lease = settings.TASK_LOST_AFTER
    evaluation = Evaluation.objects.claim_or_fail(evaluation_id, lease, failed, status=Evaluation.Status.RUNNING)
    if evaluation is None:
        return False
    with (
        fail_when_out_of_time(lambda reason: _finish_ungraded(evaluation, Evaluation.Status.FAILED, reason)),
        keep_claimed(evaluation, lease),
    ):
        return _grade_claimed(evaluation, session)
    return False


def _grade_claimed(evaluation: Evaluation, session: Session) -> bool:
    """Grade a claimed evaluation. Return True if supervisors must be alerted."""
    close_open_turns(session)
    turns = heard_turns(session.transcript())
    lines = build_grader_turns(turns)
    if not session.is_gradable:
        _finish_ungraded(evaluation, Evaluation.Status.NOT_GRADABLE, session.not_gradable_reason)
    elif len(lines) < MIN_TURNS or not any(line.is_counselor for line in lines):
        _finish_ungraded(evaluation, Evaluation.Status.TOO_SHORT)
    else:
        return _grade_turns(evaluation, turns, lines)
    return False


@transaction.atomic
def _finish_ungraded(evaluation: Evaluation, status: str, failure: str = "") -> None:
    """Close the evaluation without a grade, if this claim still holds."""
    if Evaluation.objects.fenced(evaluation).settle(status=status, failure=failure, completed_at=timezone.now()):
        # The assignment may have stayed open until the outcome of this attempt was known.
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


def _grade_turns(evaluation: Evaluation, turns: Sequence[TranscriptTurn], lines: Sequence[GraderTurn]) -> bool:
    """Grade the turns and store the result. Return True if supervisors must be alerted."""
    session = evaluation.session
    case = _read_grading_input(session, lines)
    is_last_try = evaluation.attempts >= settings.TASK_ATTEMPTS
    try:
        graded = openai_grader.request_grading(case, is_last_try=is_last_try)
        results = verify_results(graded)
        if not is_last_try:
            _check_procedures_unchanged(session, case, graded)
    except AIUnavailableError as error:
        _retry_or_fail(evaluation, error)
        return False
    scan, scanned = _run_scan(case)
    return store_grading(evaluation, turns, graded, results, scan, scanned)


def store_grading(
    evaluation: Evaluation,
    turns: Sequence[TranscriptTurn],
    graded: GradingOutput,
    results: Sequence[CriterionResult],
    scan: Scan,
    scanned: Sequence[FlagAnswer],
) -> bool:
    """Store verified results as the feedback of a claimed evaluation. Return True if supervisors must be alerted."""
    found = collect_flags(graded.case, graded.answer.flags, scanned)
    concerns = find_concerns(graded, results, found)
    if _is_held_by_policy(evaluation.session):
        concerns.append(Evaluation.Concern.POLICY.value)
    fields = verify_feedback(graded, results) | {
        "measures": measure_conversation(turns, evaluation.session.is_phone),
        "needs_person": concerns,
        "is_waiting": bool(concerns),
    }
    return _store_result(evaluation, results, found, scan, fields)


def _is_held_by_policy(session: Session) -> bool:
    return session.kind == Session.Kind.ASSIGNMENT and session.organization.holds_feedback


def _read_grading_input(session: Session, lines: Sequence[GraderTurn]) -> GradingInput:
    # Read the account as late as possible, so that grading uses its current document.
    account = _account_of(session)
    case = build_grading_input(session, lines, account, account.procedures if account else None)
    return case if case.procedures else case.leave_out_procedures(_reason_without_procedures(account))


def build_grading_input(
    session: Session, lines: Sequence[GraderTurn], account: Account | None, document: ProcedureDocument | None
) -> GradingInput:
    """Return everything that grading the session needs, with `document` as the account's procedures."""
    version = session.scenario_version
    procedures = None
    if account and document:
        index = build_citation_index(document) if document.page_count is not None else None
        procedures = ProceduresSearch(account.vector_store_id, str(document.pk), document.openai_file_id, index)
    return GradingInput(
        session_id=str(session.pk),
        scenario_id=str(session.scenario_id or ""),
        checks=[*rubric.general_checks(), *rubric.scenario_checks(version.checks if version else [])],
        lines=lines,
        evaluator_context=version.evaluator_context if version else "",
        policy_sections=version.relevant_policy_sections if version else "",
        procedures=procedures,
        has_injection_in_procedures=bool(document and document.instructions),
    )


def _reason_without_procedures(account: Account | None) -> str:
    """Return the WithoutProcedures that explains why the account has no current document."""
    if account is None:
        return WithoutProcedures.NO_ACCOUNT
    newest = account.documents.newest_first().first()
    return _REASONS_BY_STATUS[newest.status] if newest else WithoutProcedures.NOT_UPLOADED


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
    scan.input_tokens, scan.output_tokens = response.input_tokens, response.output_tokens
    return scan, scanned.flags


def _retry_or_fail(evaluation: Evaluation, error: AIUnavailableError) -> None:
    """Requeue the evaluation and raise RetryLaterError, or mark it failed if a retry cannot help or none is left."""
    logger.warning("Grading failed: %s", error.code, extra={"session_id": evaluation.session_id})
    if not error.retryable or evaluation.attempts >= settings.TASK_ATTEMPTS:
        _finish_ungraded(evaluation, Evaluation.Status.FAILED, _FAILURE_MESSAGE)
        return
    delay = retry_delay(evaluation.attempts, error.retry_after)
    if Evaluation.objects.fenced(evaluation).put_back(delay, status=Evaluation.Status.QUEUED):
        raise RetryLaterError(delay)


@transaction.atomic
def _store_result(
    evaluation: Evaluation,
    results: Sequence[CriterionResult],
    found: Sequence[FlagFinding],
    scan: Scan,
    fields: dict[str, object],
) -> bool:
    """Store the feedback once: only if this claim still holds. Return True if supervisors must be alerted."""
    points = scoring.compute_score((result.verdict, result.weight, result.is_red_line) for result in results)
    if points is None:
        _finish_ungraded(evaluation, Evaluation.Status.NOT_GRADABLE, _NOTHING_APPLIED)
        return False
    is_held = not _HOLDING_CONCERNS.isdisjoint(fields["needs_person"])  # type: ignore[arg-type]
    if not Evaluation.objects.fenced(evaluation).settle(
        status=Evaluation.Status.HELD if is_held else Evaluation.Status.COMPLETED,
        completed_at=timezone.now(),
        score=points.score,
        grade=points.grade,
        capped_from=points.capped_from,
        **fields,
    ):
        return False
    _store_details(evaluation, results, found, scan)
    if not carry_reviews(evaluation):
        concerns = [*evaluation.needs_person, Evaluation.Concern.REVIEW_NOT_CARRIED]
        Evaluation.objects.filter(pk=evaluation.pk).update(needs_person=concerns, is_waiting=True)
    if not is_held:
        evaluation.refresh_from_db(fields=["score", "grade", "reviewed_score", "reviewed_grade"])
        publish_feedback(evaluation, evaluation.final_score or 0, evaluation.final_grade)
    is_crossed = Evaluation.objects.filter(pk=evaluation.pk).crossing_red_line().exists()
    return is_crossed or any(one.severity == FlagSeverity.CRITICAL for one in found)


def _store_details(
    evaluation: Evaluation, results: Sequence[CriterionResult], found: Sequence[FlagFinding], scan: Scan
) -> None:
    """Store the verdicts, the scan, and the flags of an evaluation."""
    for result in results:
        result.evaluation, result.organization_id = evaluation, evaluation.organization_id
    scan.evaluation, scan.organization_id = evaluation, evaluation.organization_id
    CriterionResult.objects.bulk_create(results)
    scan.save()
    Flag.objects.bulk_create(
        Flag(
            evaluation=evaluation,
            organization_id=evaluation.organization_id,
            session_id=evaluation.session_id,
            kind=one.kind,
            severity=one.severity,
            source=one.source,
            note=one.note,
            turn=one.turn,
            quote=one.quote,
        )
        for one in found
    )
