import hashlib
import json

import pytest
from celery.exceptions import Retry
from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError
from openai import OpenAI

from accounts.models import UsageCount
from accounts.services import task_queue
from accounts.services.leases import RetryLaterError
from accounts.services.rate_limits import RateLimitExceededError
from evaluation.grading import openai_grader
from evaluation.grading.rubric import general_checks
from evaluation.grading.schemas import ClaimedQuote, ImprovementAnswer
from evaluation.grading.scoring import grade_for, percent_met
from evaluation.models import CriterionResult, Evaluation
from evaluation.services.feedback_requests import can_request_feedback, queue_evaluation, request_feedback
from evaluation.services.grading import grade_evaluation
from evaluation.tasks import grade_session, sweep_evaluations
from tests.evaluation.conftest import PROCEDURES
from tests.support.fixtures import (
    CONTEXT_CANARY,
    PROCEDURES_CANARY,
    PROMPT_CANARY,
    SECTIONS_CANARY,
    client_of,
    record_turn,
    run_concurrently,
    write_turns,
)
from tests.support.leases import expire_leases
from training.models import Assignment, EndReason, Session, TranscriptTurn
from training.services.call_leases import acquire_call, finish_call, release_call
from training.services.errors import SessionRefusedError
from training.services.session_start import start_assignment, start_free_practice
from training.services.sessions import end_session

pytestmark = pytest.mark.both_databases

RESPONSES_ENDPOINT = "POST /v1/responses"
CHECK_COUNT = len(general_checks(has_procedures=False)) + 2


def grade_now(evaluation: Evaluation) -> Evaluation:
    grade_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    return evaluation


def grading_requests(standin) -> list[dict]:
    """Return the bodies of the grading requests, without the scan request that accompanies each."""
    bodies = [entry["body"] for entry in standin.logged_requests("http", "/v1/responses")]
    return [body for body in bodies if body["text"]["format"]["name"] == "grading"]


def expire_claim(evaluation: Evaluation) -> None:
    expire_leases(Evaluation.objects.filter(pk=evaluation.pk))


def test_grading_stores_result_for_every_check(queued_evaluation, finished_chat, chat_assignment, procedures, standin):
    evaluation = grade_now(queued_evaluation)

    checks = [check.key for check in general_checks()] + ["scenario_1", "scenario_2"]
    assert evaluation.status == "completed"
    assert [result.key for result in evaluation.criteria.all()] == checks
    assert {result.organization_id for result in evaluation.criteria.all()} == {evaluation.organization_id}
    chat_assignment.refresh_from_db()
    assert (chat_assignment.status, chat_assignment.completed_at is not None) == ("completed", True)


def test_stored_quotes_match_counselors_turns_at_offsets(queued_evaluation, finished_chat, standin):
    evaluation = grade_now(queued_evaluation)

    turns = {str(turn.pk): turn for turn in finished_chat.transcript()}
    quotes = [quote for result in evaluation.criteria.all() for quote in result.quotes]
    assert quotes
    for quote in quotes:
        turn = turns[quote["turn"]]
        assert turn.role == TranscriptTurn.Role.COUNSELOR
        assert turn.text_heard[quote["start"] : quote["end"]] == quote["text"] != ""
    for moment in [*evaluation.went_well, *evaluation.improvements]:
        assert moment["quote"] in turns[moment["turn"]].text_heard


def test_score_and_grade_follow_from_verdicts(queued_evaluation, standin):
    evaluation = grade_now(queued_evaluation)

    verdicts = [(result.verdict, result.weight) for result in evaluation.criteria.all()]
    assert evaluation.score == percent_met(verdicts)
    assert evaluation.grade == grade_for(evaluation.score)
    assert {verdict for verdict, _ in verdicts} >= {CriterionResult.Verdict.MET, CriterionResult.Verdict.NOT_MET}


def test_grading_stores_models_and_versions(queued_evaluation, finished_chat, procedures, standin, settings, account):
    evaluation = grade_now(queued_evaluation)

    assert (evaluation.model, evaluation.prompt_version) == (settings.EVALUATOR_MODEL, "grader.v2")
    assert evaluation.rubric_version == "general-2"
    assert evaluation.vector_store_id == account.vector_store_id != ""
    assert evaluation.file_ids == [procedures.openai_file_id]
    assert evaluation.used_file_search is True
    assert evaluation.input_tokens > 0 and evaluation.output_tokens > 0
    lines = [
        {"id": f"t{n}", "turn": str(turn.pk), "is_counselor": turn.is_by_counselor, "text": turn.text_heard}
        for n, turn in enumerate(finished_chat.transcript(), 1)
    ]
    assert evaluation.transcript_hash == hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def test_citations_appear_in_procedures(queued_evaluation, procedures, standin):
    evaluation = grade_now(queued_evaluation)

    citations = [citation for result in evaluation.criteria.all() for citation in result.citations]
    assert citations
    plain = " ".join(PROCEDURES.split())
    assert [c["text"] for c in citations if " ".join(c["text"].split()) not in plain] == []


def test_grader_request_contains_checks_and_conversation_as_data(queued_evaluation, procedures, standin):
    grade_now(queued_evaluation)

    [request] = grading_requests(standin)
    parts = [part["text"] for part in request["input"][0]["content"]]
    assert CONTEXT_CANARY in parts[0] and SECTIONS_CANARY in parts[1]
    assert set(json.loads(parts[2])) == {"criteria"}
    assert [turn["speaker"] for turn in json.loads(parts[3])["turns"]] == ["caller", "counselor"] * 2
    assert PROMPT_CANARY not in json.dumps(request)
    assert request["text"]["format"]["strict"] is True
    assert request["store"] is False


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [("caller", "hi")],
        [("counselor", "hello, this is Sam")],
        [("caller", "hi"), ("caller", "anyone?")],
        [("caller", "hi"), ("counselor", "[inaudible]")],
        [("caller", "hi"), ("counselor", "   ")],
    ],
)
def test_too_short_session_is_not_graded_and_assignment_stays_open(call, phone_assignment, texts, standin):
    for number, (role, text) in enumerate(texts, 1):
        record_turn(call.pk, f"i{number}", number, role=role, text_heard=text, source="spoken")
    end_session(call, EndReason.HUNG_UP)

    evaluation = grade_now(call.evaluations.get())

    phone_assignment.refresh_from_db()
    assert (evaluation.status, evaluation.score, evaluation.grade) == ("too_short", None, "")
    assert phone_assignment.status == Assignment.Status.IN_PROGRESS
    assert grading_requests(standin) == []
    assert start_assignment(phone_assignment)[0].attempt == 2


def test_unheard_text_is_not_graded(call, standin):
    record_turn(call.pk, "i1", 1, role="caller", text_heard="hi", text_generated="hi and so on", source="spoken")
    record_turn(call.pk, "i2", 2, role="caller", text_heard="", text_generated="unheard", source="spoken", after="i1")
    record_turn(call.pk, "i3", 3, role="counselor", text_heard="Hello, I'm Sam.", source="spoken", after="i2")
    end_session(call, EndReason.HUNG_UP)

    grade_now(call.evaluations.get())

    [request] = grading_requests(standin)
    assert "unheard" not in json.dumps(request) and "so on" not in json.dumps(request)


def test_call_without_caller_is_not_graded(call, phone_assignment, standin):
    finish_call(call, acquire_call(call), EndReason.CALLER_LOST, Session.Status.FAILED)

    evaluation = grade_now(call.evaluations.get())

    phone_assignment.refresh_from_db()
    assert (evaluation.status, evaluation.failure) == ("not_gradable", "The caller could not be reached.")
    assert phone_assignment.status == Assignment.Status.IN_PROGRESS


def test_grading_task_delivered_twice_stores_once(queued_evaluation, standin):
    grade_now(queued_evaluation)
    first = Evaluation.objects.values().get()

    grade_evaluation(queued_evaluation.pk)

    assert Evaluation.objects.values().get() == first
    assert CriterionResult.objects.count() == CHECK_COUNT
    assert len(grading_requests(standin)) == 1


@pytest.mark.django_db(transaction=True)
def test_grading_tasks_in_parallel_store_once(queued_evaluation, standin):
    assert run_concurrently(*[lambda: grade_evaluation(queued_evaluation.pk)] * 3) == [False, False, False]

    queued_evaluation.refresh_from_db()
    assert queued_evaluation.status == "completed"
    assert CriterionResult.objects.count() == CHECK_COUNT
    assert len(grading_requests(standin)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 0},
        {"status": 500},
        {"invalid_json": True},
        {"incomplete": True},
        {"refusal": True},
        {"drop": True},
    ],
)
def test_grading_retries_then_fails_and_can_be_requested_again(
    queued_evaluation, finished_chat, standin, fault, settings
):
    standin.add_fault(RESPONSES_ENDPOINT, fault, times=None)
    for attempt in range(1, settings.TASK_ATTEMPTS):
        with pytest.raises(RetryLaterError) as error:
            grade_evaluation(queued_evaluation.pk)
        queued_evaluation.refresh_from_db()
        assert (queued_evaluation.status, queued_evaluation.attempts) == ("queued", attempt)
        assert error.value.seconds > 0
        expire_claim(queued_evaluation)

    assert grade_now(queued_evaluation).status == "failed"
    assert (
        queued_evaluation.failure == "We couldn’t grade this conversation. It is saved. You can request feedback again."
    )
    assert can_request_feedback(queued_evaluation) is True

    standin.clear_faults()
    again = request_feedback(finished_chat, finished_chat.counselor)
    assert (again.version, grade_now(again).status) == (2, "completed")


def test_grading_fails_at_once_on_permanent_error(queued_evaluation, standin):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400}, times=None)

    assert (grade_now(queued_evaluation).status, queued_evaluation.attempts) == ("failed", 1)
    assert len(grading_requests(standin)) == 1


def test_grading_retry_honors_retry_after(queued_evaluation, standin, monkeypatch):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 429, "retry_after": 0.25}, times=None)

    with pytest.raises(RetryLaterError) as error:
        grade_evaluation(queued_evaluation.pk)

    assert error.value.seconds == 0.25


def test_grading_retries_answer_with_missing_checks(queued_evaluation, standin, monkeypatch):
    request_grading = openai_grader.request_grading

    def omit_one_check(case, **options):
        graded = request_grading(case, **options)
        graded.answer.criteria.pop()
        return graded

    monkeypatch.setattr(openai_grader, "request_grading", omit_one_check)

    with pytest.raises(RetryLaterError):
        grade_evaluation(queued_evaluation.pk)

    assert CriterionResult.objects.count() == 0


def test_invented_quotes_are_dropped_and_count_as_no_evidence(queued_evaluation, finished_chat, standin, monkeypatch):
    request_grading = openai_grader.request_grading

    def invent_quotes(case, **options):
        graded = request_grading(case, **options)
        for criterion in graded.answer.criteria:
            criterion.verdict = "met"
            criterion.quotes = [
                ClaimedQuote(turn="t2", text="I will stay with you all night."),
                ClaimedQuote(turn="t1", text="is this a real person"),
            ]
        graded.answer.went_well[0].quote = "I never said this."
        graded.answer.went_well[1:] = []
        fields = dict.fromkeys(["goal", "effect", "better_wording", "why"], "w")
        graded.answer.improvements[:] = [ImprovementAnswer(turn="t2", quote="I never said this.", **fields)]
        return graded

    monkeypatch.setattr(openai_grader, "request_grading", invent_quotes)

    evaluation = grade_now(queued_evaluation)

    results = {result.key: result for result in evaluation.criteria.all()}
    assert all(result.quotes == [] for result in results.values())
    keys_without_quote = [check.key for check in general_checks(has_procedures=False) if not check.needs_quote]
    assert [key for key, result in results.items() if result.verdict == "met"] == keys_without_quote
    assert {result.verdict for key, result in results.items() if key not in keys_without_quote} == {"no_evidence"}
    assert (evaluation.score, evaluation.grade) == (7, "F")
    assert evaluation.went_well == []
    assert [(moment["quote"], moment["turn"]) for moment in evaluation.improvements] == [("", "")]


def test_session_without_applicable_check_is_not_gradable(queued_evaluation, chat_assignment, standin, monkeypatch):
    request_grading = openai_grader.request_grading

    def judge_nothing_applicable(case, **options):
        graded = request_grading(case, **options)
        for criterion in graded.answer.criteria:
            criterion.verdict = "not_applicable"
        return graded

    monkeypatch.setattr(openai_grader, "request_grading", judge_nothing_applicable)

    assert (grade_now(queued_evaluation).status, queued_evaluation.score) == ("not_gradable", None)
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == Assignment.Status.IN_PROGRESS


def test_missing_vector_store_is_reported_and_graded_without_procedures(
    queued_evaluation, procedures, standin, account
):
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        client.vector_stores.delete(account.vector_store_id)

    evaluation = grade_now(queued_evaluation)

    assert (evaluation.status, evaluation.used_file_search) == ("completed", False)
    assert evaluation.was_graded_without_procedures is True
    assert all(result.citations == [] for result in evaluation.criteria.all())


def test_grading_without_procedures_makes_no_search(queued_evaluation, standin):
    evaluation = grade_now(queued_evaluation)

    assert (evaluation.status, evaluation.used_file_search) == ("completed", False)
    assert (evaluation.without_procedures, evaluation.was_graded_without_procedures) == ("not_uploaded", True)
    assert "tools" not in grading_requests(standin)[0]


def test_grading_never_searches_another_accounts_procedures(free_chat, procedures, standin):
    write_turns(free_chat, "hi", "Hello, I'm Sam.")
    end_session(free_chat, EndReason.HUNG_UP)

    evaluation = grade_now(free_chat.evaluations.get())

    assert (evaluation.status, evaluation.vector_store_id) == ("completed", "")
    assert PROCEDURES_CANARY not in json.dumps(grading_requests(standin))


def test_evaluation_sweep_regrades_lost_claim(queued_evaluation, standin, settings):
    Evaluation.objects.claim(queued_evaluation.pk, settings.TASK_LOST_AFTER, status="running")
    grade_evaluation(queued_evaluation.pk)
    assert (sweep_evaluations(), grading_requests(standin)) == (0, [])

    expire_claim(queued_evaluation)

    assert sweep_evaluations() == 1
    assert (grade_now(queued_evaluation).status, queued_evaluation.attempts) == ("completed", 2)


def test_evaluation_fails_after_workers_keep_dying(queued_evaluation, standin, settings):
    Evaluation.objects.claim(queued_evaluation.pk, settings.TASK_LOST_AFTER, status="running")
    Evaluation.objects.update(attempts=settings.TASK_ATTEMPTS)
    expire_claim(queued_evaluation)

    assert grade_now(queued_evaluation).status == "failed"
    assert grading_requests(standin) == []


def test_worker_with_expired_claim_stores_nothing(queued_evaluation, standin, settings, monkeypatch):
    request_grading, calls = openai_grader.request_grading, []

    def lose_claim_after_answer(case, **options):
        graded = request_grading(case, **options)
        calls.append(1)
        if len(calls) == 1:
            expire_claim(queued_evaluation)
            grade_evaluation(queued_evaluation.pk)
            Evaluation.objects.update(rationale="by the second worker")
        return graded

    monkeypatch.setattr(openai_grader, "request_grading", lose_claim_after_answer)

    evaluation = grade_now(queued_evaluation)

    assert (evaluation.status, evaluation.rationale) == ("completed", "by the second worker")
    assert evaluation.criteria.count() == CHECK_COUNT


def test_late_worker_leaves_evaluation_to_new_holder(queued_evaluation, standin, settings, monkeypatch):
    request_grading = openai_grader.request_grading

    def lose_claim_before_answer(case, **options):
        expire_claim(queued_evaluation)
        assert Evaluation.objects.claim(queued_evaluation.pk, settings.TASK_LOST_AFTER, status="running")
        return request_grading(case, **options)

    monkeypatch.setattr(openai_grader, "request_grading", lose_claim_before_answer)

    evaluation = grade_now(queued_evaluation)

    assert (evaluation.status, evaluation.attempts, evaluation.score) == ("running", 2, None)
    assert evaluation.criteria.count() == 0


def test_grading_waits_until_gateway_saved_call(call, standin):
    epoch = acquire_call(call)
    record_turn(call.pk, "i1", 1, role="caller", text_heard="hi", source="spoken")
    end_session(call, EndReason.HUNG_UP)
    evaluation = call.evaluations.get()

    with pytest.raises(RetryLaterError):
        grade_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempts) == ("queued", 0)

    record_turn(call.pk, "i2", 2, role="counselor", text_heard="Hello, I'm Sam.", source="spoken", after="i1")
    release_call(call.pk, epoch)

    assert grade_now(evaluation).status == "completed"


def test_feedback_request_ends_own_live_session(chat, counselor):
    write_turns(chat, "hi", "hello")

    evaluation = request_feedback(chat, counselor)

    chat.refresh_from_db()
    assert (chat.status, chat.end_reason) == ("completed", "feedback")
    assert (evaluation.status, evaluation.version) == ("queued", 1)


def test_feedback_request_for_live_session_of_another_person_is_refused(chat, supervisor):
    write_turns(chat, "hi", "hello")

    with pytest.raises(SessionRefusedError) as caught:
        request_feedback(chat, supervisor)

    chat.refresh_from_db()
    assert caught.value.code == "session_live"
    assert chat.is_live and chat.evaluations.count() == 0


@pytest.mark.parametrize("status", ["queued", "running", "completed", "too_short", "not_gradable"])
def test_feedback_request_returns_existing_evaluation(finished_chat, queued_evaluation, counselor, status):
    fields = {"status": status} | ({"score": 50} if status == "completed" else {})
    Evaluation.objects.update(**fields)

    assert request_feedback(finished_chat, counselor) == queued_evaluation


def test_regrading_creates_version_and_keeps_old_one(finished_chat, queued_evaluation, supervisor, standin):
    grade_now(queued_evaluation)

    again = grade_now(queue_evaluation(finished_chat, supervisor))

    assert (again.version, again.requested_by, again.status) == (2, supervisor, "completed")
    assert queued_evaluation.criteria.count() == again.criteria.count() == CHECK_COUNT


@pytest.mark.django_db(transaction=True)
def test_feedback_requests_in_parallel_queue_once(finished_chat, counselor):
    Evaluation.objects.update(status="failed")

    results = run_concurrently(*[lambda: request_feedback(Session.objects.get(), counselor)] * 4)

    assert [result.version for result in results] == [2] * 4
    assert Evaluation.objects.under_way().count() == 1
    assert UsageCount.objects.get(subject=finished_chat.pk).used == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_above_the_limit_leave_nothing(finished_chat, counselor, settings):
    settings.GRADINGS_PER_HOUR = 0
    Evaluation.objects.update(status="failed")

    results = run_concurrently(*[lambda: request_feedback(Session.objects.get(), counselor)] * 4)

    assert {type(result) for result in results} == {RateLimitExceededError}
    assert [row.status for row in Evaluation.objects.all()] == ["failed"]


def test_database_rejects_two_evaluations_under_way(finished_chat, queued_evaluation):
    with pytest.raises(IntegrityError), transaction.atomic():
        Evaluation.objects.create(session=finished_chat, organization_id=finished_chat.organization_id, version=2)


def test_attempts_of_one_assignment_are_graded_separately(
    finished_chat, queued_evaluation, chat_assignment, counselor, standin
):
    second, _ = start_assignment(chat_assignment)
    write_turns(second, "hey again", "Hi, what happened since?")
    end_session(second, EndReason.HUNG_UP)

    first = grade_now(queued_evaluation)

    own_turn_ids = {str(turn.pk) for turn in finished_chat.transcript()}
    assert {quote["turn"] for result in first.criteria.all() for quote in result.quotes} <= own_turn_ids
    assert "what happened since" not in json.dumps(grading_requests(standin))


def test_free_practice_grade_leaves_assignments_unchanged(counselor, chat_assignment, chat_scenario, standin):
    session, _ = start_free_practice(counselor, "chat", chat_scenario)
    write_turns(session, "hi", "Hello, I'm Sam.")
    end_session(session, EndReason.HUNG_UP)

    assert grade_now(session.evaluations.get()).status == "completed"
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == Assignment.Status.PENDING


def test_grade_session_task_retries_through_celery(queued_evaluation, standin, settings):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400}, times=1)
    grade_session(str(queued_evaluation.pk))
    queued_evaluation.refresh_from_db()
    assert queued_evaluation.status == "failed"

    again = queue_evaluation(queued_evaluation.session)
    standin.add_fault(RESPONSES_ENDPOINT, {"refusal": True}, times=1)
    with pytest.raises((Retry, RetryLaterError)):
        grade_session(str(again.pk))


def test_grade_asked_for_while_the_broker_is_away_is_found_by_the_sweep(
    chat, counselor, standin, monkeypatch, django_capture_on_commit_callbacks
):
    write_turns(chat, "hi", "Hello, my name is Sam. What happened tonight?")
    messages: list[tuple[str, ...]] = []

    def fail(ids, **options):
        raise OperationalError

    monkeypatch.setattr(task_queue, "outage", task_queue.BrokerOutage())
    monkeypatch.setattr(grade_session, "apply_async", fail)
    with django_capture_on_commit_callbacks(execute=True):
        response = client_of(counselor).post(f"/api/sessions/{chat.pk}/evaluation/")
    evaluation = chat.evaluations.get()
    monkeypatch.setattr(grade_session, "apply_async", lambda ids, **options: messages.append(ids))
    expire_leases(Evaluation.objects.all())

    assert (response.status_code, sweep_evaluations()) == (202, 1)
    assert messages == [(str(evaluation.pk),)]
    grade_session(str(evaluation.pk))
    evaluation.refresh_from_db()
    assert evaluation.status == "completed"
