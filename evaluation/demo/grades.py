"""Feedback on the demo's past conversations: recorded answers of a grader, verified and stored like any other."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings

from accounts.models import Account, ProcedureDocument, User
from accounts.procedures.sections import parse_sections
from evaluation.demo.accounts import FOLDER
from evaluation.demo.conversations import RecordedConversation
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import GradingInput, GradingOutput
from evaluation.grading.schemas import (
    ClaimedCitation,
    ClaimedQuote,
    CriterionAnswer,
    GradingAnswer,
    ImprovementAnswer,
    StrengthAnswer,
)
from evaluation.grading.verification import verify_results
from evaluation.models import Evaluation, Review, Scan
from evaluation.services.grading import build_grader_turns, build_grading_input, store_grading
from evaluation.services.reviews import record_review
from training.models import Assignment, Session, heard_turns

MODEL = "recorded for the demo"
_GRADED_AFTER, _REVIEWED_AFTER = timedelta(seconds=40), timedelta(hours=20)  # after the end of the conversation
_NOT_APPLICABLE = "What this check depends on did not come up."
_NOT_CROSSED = "Nothing in the conversation crosses this line."


def grade_conversation(session: Session, row: RecordedConversation, people: Mapping[str, User]) -> Evaluation:
    """Store the recorded feedback on an ended conversation, and people's reviews of it."""
    assert session.ended_at
    queued = session.evaluations.get()
    evaluation = Evaluation.objects.claim_or_fail(queued.pk, settings.TASK_LOST_AFTER, {})
    assert evaluation
    turns = heard_turns(session.transcript())
    case = _build_case(session, build_grader_turns(turns), row.without_procedures)
    passages = [section.text for section in parse_sections([_procedures()], has_pages=False)] if case.procedures else []
    graded = GradingOutput(case, _build_answer(case, row), MODEL, passages)
    scan = Scan(status=Scan.Status.CLEAN, model=MODEL)
    store_grading(evaluation, turns, graded, verify_results(graded), scan, [])
    _backdate(evaluation, session.ended_at + _GRADED_AFTER)
    evaluation.refresh_from_db()
    for review in row.reviews:
        checks = {check.key: check for check in evaluation.criteria.all()}
        for key in review.agree:
            record_review(evaluation, people[review.by], Review.Verdict.AGREE, "", checks[key])
        for key, (verdict, reason) in review.overrule.items():
            record_review(evaluation, people[review.by], Review.Verdict.OVERRULE, reason, checks[key], verdict)
    Review.objects.filter(evaluation=evaluation).update(created_at=session.ended_at + _REVIEWED_AFTER)
    return evaluation


def _procedures() -> str:
    return (FOLDER / "procedures.md").read_text()


def _build_case(session: Session, lines: Sequence[GraderTurn], without_procedures: str) -> GradingInput:
    assert session.scenario_version
    account = session.scenario_version.account
    assert account
    case = build_grading_input(session, lines, account, _document_of(account))
    return case.leave_out_procedures(without_procedures) if without_procedures else case


def _document_of(account: Account) -> ProcedureDocument:
    """Return the account's document, which is not active yet, because no worker has read it."""
    return account.documents.newest_first()[0]


def _backdate(evaluation: Evaluation, completed_at: datetime) -> None:
    # No one is emailed about past conversations.
    dates = {"completed_at": completed_at, "announced_at": completed_at, "alerted_at": completed_at}
    Evaluation.objects.filter(pk=evaluation.pk).update(**dates)
    finished = Assignment.objects.filter(sessions=evaluation.session, completed_at__isnull=False)
    finished.update(completed_at=completed_at)


def _build_answer(case: GradingInput, row: RecordedConversation) -> GradingAnswer:
    return GradingAnswer(
        criteria=[_answer_check(case, row, check.key, bool(check.red_line)) for check in case.checks],
        rationale=row.rationale,
        went_well=[StrengthAnswer(turn=_turn_of(case, one["quote"]), **one) for one in row.went_well],
        improvements=[ImprovementAnswer(turn=_turn_of(case, one["quote"]), **one) for one in row.improvements],
        learning_objective=row.learning_objective,
        reflection_questions=row.reflection_questions,
        flags=[],
    )


def _answer_check(case: GradingInput, row: RecordedConversation, key: str, is_red_line: bool) -> CriterionAnswer:
    verdict: Literal["met", "not_met", "not_applicable"] = "not_applicable"
    words, reason = "", _NOT_APPLICABLE
    if is_red_line:
        verdict, reason = "met", _NOT_CROSSED
    elif key in row.met:
        verdict, (words, reason) = "met", row.met[key]
    elif key in row.not_met:
        verdict, reason = "not_met", row.not_met[key]
    section = row.citations.get(key)
    return CriterionAnswer(
        key=key,
        quotes=[ClaimedQuote(turn=_turn_of(case, words), text=words)] if words else [],
        citations=[ClaimedCitation(section=section, text=_section_text(section))] if section else [],
        reason=reason,
        verdict=verdict,
    )


def _turn_of(case: GradingInput, words: str) -> str:
    """Return the id of the counselor's first turn with these words."""
    return next(line.id for line in case.lines if line.is_counselor and words in line.text)


def _section_text(number: str) -> str:
    """Return the first sentence of a section of the main account's procedures."""
    line = next(line for line in _procedures().splitlines() if line.startswith(number))
    return line.removeprefix(number).split(".")[0].strip()
