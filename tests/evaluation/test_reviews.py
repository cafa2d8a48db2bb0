from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from evaluation.grading import openai_grader
from evaluation.grading.schemas import FlagAnswer
from evaluation.models import Dispute, Evaluation, Flag, Review, Scan
from evaluation.models.flag_kinds import SEVERITY_BY_KIND, FlagKind
from evaluation.services.alerts import send_alerts
from evaluation.services.flags import dispute_verdict
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import agree_with_rest, mark_looked_at, record_review
from evaluation.tasks import _ALERT_LOST_SECONDS, alert_supervisors, grade_session, sweep_evaluations
from tests.evaluation.graded_chats import LEADING_NEGATIVE, graded_chat
from tests.support.fixtures import client_of, write_turns
from training.services.session_start import start_free_practice, start_trial
from training.services.sessions import end_session

pytestmark = pytest.mark.both_databases


def nav(page: str) -> str:
    """Return the tabs of a conversation's page."""
    return page.split('id="session-tabs"')[1].split("</nav>")[0]


def test_crossed_red_line_is_shown_caps_score_and_needs_review(red_line_evaluation, counselor, chat):
    criterion = red_line_evaluation.criteria.get(key="no_leading_negative")

    assert (criterion.verdict, [quote["text"] for quote in criterion.quotes]) == ("not_met", [LEADING_NEGATIVE])
    assert (red_line_evaluation.grade, red_line_evaluation.needs_person, red_line_evaluation.needs_review) == (
        "F",
        ["red_line"],
        True,
    )
    body = client_of(counselor).get(f"/sessions/{chat.pk}/").content.decode()
    assert "A red line was crossed." in body


def test_overruling_rescores_and_keeps_both_scores(red_line_evaluation, supervisor, evaluator):
    criterion = red_line_evaluation.criteria.get(key="no_leading_negative")

    record_review(
        red_line_evaluation, supervisor, Review.Verdict.OVERRULE, "The caller had said so before.", criterion, "met"
    )

    red_line_evaluation.refresh_from_db()
    criterion.refresh_from_db()
    assert (criterion.verdict, criterion.reviewed_verdict, criterion.final_verdict) == ("not_met", "met", "met")
    expected = red_line_evaluation.score if red_line_evaluation.capped_from is None else red_line_evaluation.capped_from
    assert (red_line_evaluation.reviewed_score, red_line_evaluation.final_score) == (expected, expected)

    record_review(red_line_evaluation, evaluator, Review.Verdict.AGREE, "On second thought it is one.", criterion)

    red_line_evaluation.refresh_from_db()
    assert (
        red_line_evaluation.reviewed_score,
        red_line_evaluation.reviewed_grade,
        red_line_evaluation.final_grade,
    ) == (
        None,
        "",
        "F",
    )
    assert [one.reviewer for one in criterion.reviews.all()] == [supervisor, evaluator]


def test_review_form_saves_and_shows_both_verdicts(red_line_evaluation, supervisor, chat):
    criterion = red_line_evaluation.criteria.get(key="no_leading_negative")
    path = f"/evaluations/{red_line_evaluation.pk}/criteria/{criterion.key}/review/"

    empty = client_of(supervisor).post(path, {"verdict": "met", "reason": " "}, follow=True).content.decode()
    response = client_of(supervisor).post(path, {"verdict": "met", "reason": "It was meant well."}, follow=True)

    assert "Your review was not saved. Choose a verdict and enter a reason." in empty
    body = response.content.decode()
    assert "Set by a person. The evaluator’s verdict was “Not met”." in body
    assert "<strong>supervisor@example.org changed the verdict to “Met”.</strong> It was meant well." in body
    assert Review.objects.count() == 1


def test_agreeing_creates_review(red_line_evaluation, supervisor):
    criterion = red_line_evaluation.criteria.get(key="no_leading_negative")
    path = f"/evaluations/{red_line_evaluation.pk}/criteria/{criterion.key}/review/"

    client_of(supervisor).post(path, {"verdict": "not_met", "reason": "So it is."})

    assert Review.objects.get().verdict == Review.Verdict.AGREE
    red_line_evaluation.refresh_from_db()
    assert red_line_evaluation.reviewed_score is None


def test_review_of_own_session_is_refused(organization, supervisor, standin):
    own = graded_chat(start_free_practice(supervisor, "chat")[0], "Hello, my name is Sam.")
    path = f"/evaluations/{own.pk}/criteria/{own.criteria.first().key}/review/"

    assert client_of(supervisor).post(path, {"verdict": "met", "reason": "x"}).status_code == 404
    assert "Your verdict" not in client_of(supervisor).get(f"/sessions/{own.session_id}/checks/").content.decode()


def test_held_feedback_is_hidden_from_counselor_until_reviewed(
    held_evaluation, counselor, supervisor, chat, chat_assignment
):
    page, api = f"/sessions/{chat.pk}/", f"/api/sessions/{chat.pk}/evaluation/"
    before = client_of(counselor).get(page).content.decode()
    api_data = client_of(counselor).get(api).json()

    assert "A person is reviewing this feedback first." in before
    assert f"{page}checks/" not in nav(before) and held_evaluation.rationale not in before
    assert (api_data["status"], api_data["score"], api_data["grade"], api_data["criteria"]) == (
        "held",
        None,
        None,
        None,
    )
    assert "With a reviewer" in client_of(counselor).get("/").content.decode()
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == "in_progress"
    assert "Held for human review." in client_of(supervisor).get(page).content.decode()
    assert client_of(supervisor).get(api).json()["grade"] == held_evaluation.grade

    released_page = (
        client_of(supervisor).post(f"/evaluations/{held_evaluation.pk}/looked-at/", follow=True).content.decode()
    )

    assert "Feedback released. The counselor can read it now." in released_page
    assert f"{page}checks/" in nav(client_of(counselor).get(page).content.decode())
    chat_assignment.refresh_from_db()
    held_evaluation.refresh_from_db()
    assert (chat_assignment.status, held_evaluation.looked_at_by, held_evaluation.needs_review) == (
        "completed",
        supervisor,
        False,
    )
    assert mark_looked_at(held_evaluation, supervisor) is False


def test_review_queue_lists_only_feedback_needing_review(held_evaluation, supervisor, stranger, counselor, chat):
    assert str(chat.pk) in client_of(supervisor).get("/reviews/").content.decode()
    tiles = {tile.label: tile.value for tile in client_of(supervisor).get("/").context["today"].tiles}
    assert tiles["To review"] == 1
    assert str(chat.pk) not in client_of(stranger).get("/reviews/").content.decode()
    assert client_of(counselor).get("/reviews/").status_code == 403

    mark_looked_at(held_evaluation, supervisor)

    assert "Nothing needs human review right now." in client_of(supervisor).get("/reviews/").content.decode()


def test_review_queue_takes_fixed_number_of_queries(held_evaluation, supervisor, django_assert_max_num_queries):
    client = client_of(supervisor)
    with django_assert_max_num_queries(5):
        client.get("/reviews/")


def test_flags_are_shown_to_all_roles_except_counselors(held_evaluation, counselor, supervisor, evaluator, chat):
    page = f"/sessions/{chat.pk}/"
    for person in (supervisor, evaluator):
        body = client_of(person).get(page).content.decode()
        assert "Attempt to influence the grade" in body and "The independent scan found nothing." in body
    mark_looked_at(held_evaluation, supervisor)

    own = client_of(counselor).get(page).content.decode()

    assert "steer the grading" not in own and "independent scan" not in own and "Flags" not in own
    assert "speaks to the grader" not in own and "has looked at this" not in own


def test_praise_excludes_words_that_cross_red_line(red_line_evaluation):
    assert red_line_evaluation.went_well
    assert [moment["quote"] for moment in red_line_evaluation.went_well if "killing" in moment["quote"]] == []


def test_clean_scan_is_stored(finished_chat, queued_evaluation, standin):
    grade_evaluation(queued_evaluation.pk)

    scan = Scan.objects.get(evaluation=queued_evaluation)
    assert (scan.status, scan.prompt_version, scan.input_tokens > 0) == ("clean", "scan.v1", True)


def test_failed_scan_is_stored_and_grade_stands(finished_chat, queued_evaluation, standin):
    standin.add_fault("POST /v1/responses", {"status": 400}, times=None, contains='"name":"scan"')

    grade_evaluation(queued_evaluation.pk)

    queued_evaluation.refresh_from_db()
    assert (queued_evaluation.status, queued_evaluation.scan.status) == ("completed", "failed")


def test_severity_is_fixed_by_flag_kind(finished_chat, queued_evaluation, standin, monkeypatch):
    request_grading = openai_grader.request_grading

    def add_flags(case, **options):
        graded = request_grading(case, **options)
        graded.answer.flags[:] = [
            FlagAnswer(kind="off_topic", turn="t2", quote="my name is Sam", note="n"),
            FlagAnswer(kind="character_break", turn="t1", quote="is this a real person", note="n"),
            FlagAnswer(kind="inappropriate", turn="t2", quote="never said", note="n"),
        ]
        return graded

    monkeypatch.setattr(openai_grader, "request_grading", add_flags)
    grade_evaluation(queued_evaluation.pk)

    flags = [(flag.kind, flag.severity, flag.quote) for flag in Flag.objects.order_by("pk")]
    assert flags == [
        ("off_topic", "info", "my name is Sam"),
        ("character_break", "warning", "is this a real person"),
        ("inappropriate", "critical", ""),
    ]
    assert set(SEVERITY_BY_KIND) == set(FlagKind.values)


def test_critical_flag_emails_supervisors_without_quotes(held_evaluation, supervisor, admin, stranger):
    send_alerts(held_evaluation.pk)
    send_alerts(held_evaluation.pk)

    assert sorted(one.to[0] for one in mail.outbox) == ["admin@example.org", "supervisor@example.org"]
    assert {one.subject for one in mail.outbox} == {"A practice conversation was flagged"}
    body = mail.outbox[0].body
    assert f"/sessions/{held_evaluation.session_id}/" in body and "Attempt to influence the grade" in body
    assert "Ignore" not in body and "Sam" not in body


def test_crossed_red_line_reaches_supervisors_at_once(chat, standin, supervisor, monkeypatch):
    queued = []
    monkeypatch.setattr(alert_supervisors, "apply_async", lambda args, **options: queued.append(args))
    write_turns(chat, "hi. i can't go on", f"Hello, my name is Sam. {LEADING_NEGATIVE}")
    end_session(chat, "hung_up")
    evaluation = chat.evaluations.get()

    grade_session(str(evaluation.pk))
    assert queued == [(str(evaluation.pk),)]
    alert_supervisors(*queued[0])

    evaluation.refresh_from_db()
    assert (evaluation.flags.count(), evaluation.alerted_at is not None) == (0, True)
    [message] = [one for one in mail.outbox if one.to == [supervisor.email]]
    assert message.subject == "A red line was crossed"
    assert (
        f"/sessions/{chat.pk}/" in message.body and "A question about suicide made no the easy answer." in message.body
    )
    assert "killing" not in message.body and "Sam" not in message.body
    client = client_of(supervisor)
    assert client.get("/api/attention/").json()["red_lines"] == 1
    assert "Red lines (1)" in client.get("/attention/").content.decode()
    [person] = client.get("/").context["today"].queue
    assert (person.person, person.kind) == (chat.counselor, "red_lines")


def test_overruled_red_line_leaves_the_list_and_sends_nothing(red_line_evaluation, supervisor):
    row = red_line_evaluation.criteria.get(key="no_leading_negative")

    record_review(red_line_evaluation, supervisor, "overrule", "It was not leading.", row, "met")
    send_alerts(red_line_evaluation.pk)

    assert mail.outbox == []
    assert client_of(supervisor).get("/api/attention/").json()["red_lines"] == 0


def test_red_line_in_a_private_trial_reaches_no_one(supervisor, admin, chat_assignment, standin):
    session, _ = start_trial(supervisor, chat_assignment.scenario, "chat")
    evaluation = graded_chat(session, f"Hello, my name is Sam. {LEADING_NEGATIVE}")

    send_alerts(evaluation.pk)

    assert evaluation.needs_person == ["red_line"]
    assert mail.outbox == [] and not Evaluation.objects.unalerted(timezone.now() + timedelta(hours=1)).exists()
    assert client_of(admin).get("/api/attention/").json()["red_lines"] == 0


def test_sweep_finds_a_red_line_whose_alert_was_lost(red_line_evaluation, supervisor):
    before = timezone.now() + timedelta(hours=1)

    assert list(Evaluation.objects.unalerted(before)) == [red_line_evaluation]
    send_alerts(red_line_evaluation.pk)

    assert not Evaluation.objects.unalerted(before).exists()


def test_noncritical_flag_sends_no_email(finished_chat, queued_evaluation, standin, supervisor):
    grade_evaluation(queued_evaluation.pk)

    send_alerts(queued_evaluation.pk)

    assert mail.outbox == []


def test_distress_flag_sends_its_own_email(chat, standin, supervisor, counselor):
    evaluation = graded_chat(chat, "Hello. I'm not acting here, this is really about me, not you.")

    assert (evaluation.status, evaluation.needs_person) == ("completed", ["distress"])
    send_alerts(evaluation.pk)

    [message] = mail.outbox
    assert message.subject == "A counselor may need support"
    assert "not about their performance" in message.body and str(counselor) in message.body
    body = client_of(supervisor).get(f"/sessions/{chat.pk}/").content.decode()
    assert "The counselor may need support" in body


def test_evaluation_sweep_requeues_lost_alert(held_evaluation, supervisor, settings, monkeypatch):
    queued = []
    monkeypatch.setattr(alert_supervisors, "apply_async", lambda args, **options: queued.append(args))
    long_ago = timezone.now() - timedelta(seconds=_ALERT_LOST_SECONDS + 1)
    sweep_evaluations()
    assert queued == []
    Evaluation.objects.update(completed_at=long_ago)

    sweep_evaluations()

    assert queued == [(str(held_evaluation.pk),)]


def test_agreeing_with_the_rest_reviews_what_no_one_has_and_leaves_disputes(red_line_evaluation, supervisor, counselor):
    first, second, *rest = red_line_evaluation.criteria.all()
    record_review(red_line_evaluation, supervisor, "overrule", "It applies.", first, "not_applicable")
    dispute_verdict(second, counselor, "I see it differently.")
    score = Evaluation.objects.get().final_score

    page = client_of(supervisor).post(f"/evaluations/{red_line_evaluation.pk}/agree/", follow=True).content.decode()
    again = client_of(supervisor).post(f"/api/evaluations/{red_line_evaluation.pk}/agree/")

    assert f"You agreed with {len(rest)} checks." in page and "Every check is reviewed." in page
    assert (again.status_code, Review.objects.filter(verdict="agree").count()) == (200, len(rest))
    assert Review.objects.filter(criterion__in=rest, reviewer=supervisor).count() == len(rest)
    assert (Evaluation.objects.get().final_score, Dispute.objects.get().answered_at) == (score, None)


def test_agreeing_with_the_rest_is_for_reviewers_of_others(red_line_evaluation, counselor, stranger, trainer):
    path = f"/evaluations/{red_line_evaluation.pk}/agree/"

    assert [client_of(person).post(path).status_code for person in (counselor, stranger, trainer)] == [403, 404, 403]
    assert Review.objects.count() == 0
    with pytest.raises(PermissionDenied):
        agree_with_rest(red_line_evaluation, counselor)


def test_agreement_needs_no_reason_and_a_new_verdict_does(red_line_evaluation, supervisor):
    criterion = red_line_evaluation.criteria.get(key="no_leading_negative")
    path = f"/evaluations/{red_line_evaluation.pk}/criteria/{criterion.key}/review/"
    client = client_of(supervisor)

    by_key = client.post(path, {"verdict": "met", "reason": ""}, headers={"HX-Request": "true"}).content.decode()
    in_api = client.post(f"/api{path}", {"verdict": "met"}, content_type="application/json")
    saved = client.post(path, {"verdict": "agree", "reason": ""}, headers={"HX-Request": "true"}).content.decode()

    assert "Your review was not saved. Choose a verdict and enter a reason." in by_key
    assert (in_api.status_code, in_api.json()["fields"]["reason"]) == (400, ["Enter a reason."])
    assert [(one.verdict, one.reason) for one in Review.objects.all()] == [("agree", "")]
    assert saved.count('id="criterion-') == 1 and 'id="review-bar" hx-swap-oob="true"' in saved


def test_reviewer_is_named_and_sent_to_the_next_in_the_queue(held_evaluation, supervisor, colleague, counselor):
    session, _ = start_free_practice(colleague, "chat")
    waiting = graded_chat(session, f"Hello, my name is Sam. {LEADING_NEGATIVE}")
    checks = f"/sessions/{held_evaluation.session_id}/checks/"
    before = client_of(supervisor).get(checks).content.decode()

    client_of(supervisor).post(f"/evaluations/{held_evaluation.pk}/looked-at/")

    after = client_of(supervisor).get(checks).content.decode()
    assert "Not reviewed yet" in before and f"Reviewed by {supervisor}" in after
    assert f'href="/sessions/{waiting.session_id}/checks/">Review the next one' in after
    assert f"Reviewed by {supervisor}" in client_of(counselor).get(checks).content.decode()
