"""Tests of everything that follows a person's verdict beyond the feedback's own words: queue, admin, alerts, limits."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import strip_tags

from evaluation.models import Evaluation, Tally
from evaluation.reports.team import export_rows
from evaluation.services.alerts import send_alerts
from evaluation.services.feedback_requests import grade_again
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import mark_looked_at, record_review
from tests.evaluation.graded_chats import LEADING_NEGATIVE, graded_chat
from tests.evaluation.injection_attacks import SPOKEN_ATTACKS
from tests.support.fixtures import client_of
from training.services.session_start import start_free_practice, start_trial

CROSSED = "Never asks about suicide so that no is the easy answer."


def overrule(evaluation: Evaluation, key: str, verdict: str, by) -> None:
    record_review(evaluation, by, "overrule", "I read it again.", evaluation.criteria.get(key=key), verdict)
    evaluation.refresh_from_db()


def undo(evaluation: Evaluation, key: str, by) -> None:
    record_review(evaluation, by, "agree", "It stands.", evaluation.criteria.get(key=key))
    evaluation.refresh_from_db()


def grade_anew(evaluation: Evaluation, by) -> Evaluation:
    newer = grade_again(evaluation.session, by)
    grade_evaluation(newer.pk)
    newer.refresh_from_db()
    return newer


def count_of(kind: str, reader) -> int:
    return client_of(reader).get("/api/attention/").json()[kind]


def test_cleared_red_line_leaves_every_list_and_comes_back_when_undone(red_line_evaluation, supervisor):
    counts = []
    for change in (lambda: None, lambda: overrule(red_line_evaluation, "no_leading_negative", "met", supervisor)):
        change()
        counts.append((count_of("red_lines", supervisor), count_of("waiting", supervisor)))
    page = client_of(supervisor).get("/reviews/").content.decode()
    undo(red_line_evaluation, "no_leading_negative", supervisor)

    assert counts == [(1, 1), (0, 0)]
    assert "Nothing needs human review right now." in page
    assert (count_of("red_lines", supervisor), count_of("waiting", supervisor)) == (1, 1)
    mark_looked_at(red_line_evaluation, supervisor)
    overrule(red_line_evaluation, "no_leading_negative", "met", supervisor)
    undo(red_line_evaluation, "no_leading_negative", supervisor)
    assert count_of("red_lines", supervisor) == 0


def attention_items(reader) -> dict[str, list[str]]:
    """Return the words of each item on the attention page, by the heading of its section."""
    page = client_of(reader).get("/attention/").content.decode()
    pattern = r"<section.*?<h2[^>]*>(.*?)</h2>(.*?)</section>"
    sections = re.findall(pattern, page, re.DOTALL)
    return {
        words_of(heading): [
            words_of(row.partition('<span class="row-end">')[0]) for row in items.split('<span class="row-main">')[1:]
        ]
        for heading, items in sections
    }


def words_of(fragment: str) -> str:
    return " ".join(strip_tags(fragment.replace("<", " <")).split())


def test_session_with_a_red_line_is_listed_once_with_all_its_concerns(red_line_evaluation, counselor, supervisor):
    attack = f"Hello, my name is Sam. {LEADING_NEGATIVE} {SPOKEN_ATTACKS[0]}"
    held = graded_chat(start_free_practice(counselor, "chat")[0], attack)

    found = attention_items(supervisor)

    assert found.keys() == {"Red lines (2)", "Flags (1)"}
    assert found["Red lines (2)"] == [
        f"{counselor} “{CROSSED}” in “{red_line_evaluation.session.title}”",
        f"{counselor} “{CROSSED}” in “{held.session.title}”. Some of the text addresses the grader",
    ]
    assert (count_of("red_lines", supervisor), count_of("waiting", supervisor)) == (2, 2)


def test_feedback_without_a_red_line_is_listed_by_its_concerns(held_evaluation, counselor, supervisor):
    held = [f"{counselor} in “{held_evaluation.session.title}”. Some of the text addresses the grader"]
    assert attention_items(supervisor)["Needs human review (1)"] == held

    crossed = graded_chat(start_free_practice(counselor, "chat")[0], f"Hello, my name is Sam. {LEADING_NEGATIVE}")

    found = attention_items(supervisor)
    assert found["Other feedback that needs human review (1)"] == held
    assert found["Red lines (1)"] == [f"{counselor} “{CROSSED}” in “{crossed.session.title}”"]
    assert (count_of("red_lines", supervisor), count_of("waiting", supervisor)) == (1, 2)


def everything_shown(evaluation: Evaluation, counselor, supervisor) -> list[object]:
    """Return what the API, the lists, the export, and the charts say of the feedback."""
    staff = client_of(supervisor)
    tallies = Tally.objects.values_list("counselor", "scenario", "skill", "sessions", "reached", "possible")
    return [
        client_of(counselor).get(f"/api/sessions/{evaluation.session_id}/evaluation/").json(),
        staff.get("/api/evaluations/").json(),
        staff.get("/api/attention/").json(),
        list(export_rows(supervisor, None, 1)),
        sorted(map(repr, tallies)),
    ]


def test_undone_verdict_leaves_no_trace_but_the_reviews(queued_evaluation, standin, counselor, supervisor):
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()
    before = everything_shown(queued_evaluation, counselor, supervisor)
    rows = [queued_evaluation.criteria.filter(is_red_line=is_red_line).first() for is_red_line in (True, False)]

    for row in rows:
        for verdict in {"met", "not_met", "no_evidence", "not_applicable"} - {row.verdict}:
            overrule(queued_evaluation, row.key, verdict, supervisor)
            assert everything_shown(queued_evaluation, counselor, supervisor) != before
            undo(queued_evaluation, row.key, supervisor)
            assert everything_shown(queued_evaluation, counselor, supervisor) == before


def test_red_line_that_a_person_found_needs_no_other_person(queued_evaluation, standin, supervisor):
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()

    overrule(queued_evaluation, "no_leading_negative", "not_met", supervisor)

    assert (queued_evaluation.needs_person, queued_evaluation.is_waiting) == (["red_line"], False)
    assert count_of("red_lines", supervisor) == 0


def test_review_of_an_older_version_does_not_put_it_on_the_list_again(red_line_evaluation, supervisor):
    newer = grade_anew(red_line_evaluation, supervisor)
    overrule(red_line_evaluation, "no_leading_negative", "met", supervisor)
    undo(red_line_evaluation, "no_leading_negative", supervisor)

    assert (red_line_evaluation.is_waiting, newer.is_waiting) == (False, True)


def test_held_feedback_is_still_held_for_its_reasons_after_reviews_and_another_grading(held_evaluation, supervisor):
    before = held_evaluation.needs_person
    met = held_evaluation.criteria.filter(verdict="met").first()
    record_review(held_evaluation, supervisor, "agree", "Yes.", met)
    held_evaluation.refresh_from_db()

    newer = grade_anew(held_evaluation, supervisor)

    assert "steered" in before
    assert (sorted(held_evaluation.needs_person), held_evaluation.status) == (sorted(before), "held")
    assert (sorted(newer.needs_person), newer.is_waiting, newer.status) == (sorted(before), True, "held")


def test_another_grading_does_not_report_the_same_red_line_again(red_line_evaluation, supervisor):
    send_alerts(red_line_evaluation.pk)
    newer = grade_anew(red_line_evaluation, supervisor)
    send_alerts(newer.pk)

    assert [message.subject for message in mail.outbox if message.to == [supervisor.email]] == [
        "A red line was crossed"
    ]
    assert not Evaluation.objects.unalerted(timezone.now() + timedelta(hours=1)).exists()


def test_another_grading_reports_a_red_line_that_is_new(red_line_evaluation, supervisor):
    newer = grade_anew(red_line_evaluation, supervisor)
    send_alerts(red_line_evaluation.pk)
    newer.criteria.filter(is_red_line=True).update(verdict="not_met")
    send_alerts(newer.pk)

    bodies = [message.body for message in mail.outbox if message.to == [supervisor.email]]
    assert len(bodies) == 2
    assert "made no the easy answer" in bodies[0] and "made no the easy answer" not in bodies[1]


@pytest.mark.parametrize("start", ["trial", "own practice"])
def test_own_sessions_are_not_on_the_list_of_what_needs_attention(supervisor, chat_scenario, standin, start):
    if start == "trial":
        session, _ = start_trial(supervisor, chat_scenario, "chat")
    else:
        session, _ = start_free_practice(supervisor, "chat")
    evaluation = graded_chat(session, f"Hello, my name is Sam. {LEADING_NEGATIVE}")

    counts = count_of("red_lines", supervisor), count_of("waiting", supervisor)

    assert evaluation.needs_person == ["red_line"]
    assert counts == (0, 0)


def test_trial_without_a_grade_is_on_nobodys_list(supervisor, chat_scenario, standin):
    session, _ = start_trial(supervisor, chat_scenario, "chat")
    evaluation = graded_chat(session, f"Hello, my name is Sam. {LEADING_NEGATIVE}")
    Evaluation.objects.filter(pk=evaluation.pk).update(status="failed")

    assert count_of("ungraded", supervisor) == 0


@pytest.fixture
def last_counting(red_line_evaluation, supervisor) -> str:
    """Leave one criterion that counts toward the score, and return its key."""
    counting = red_line_evaluation.criteria.filter(weight__gt=0, is_red_line=False).exclude(verdict="not_applicable")
    *others, last = counting
    for row in others:
        overrule(red_line_evaluation, row.key, "not_applicable", supervisor)
    return last.key


def test_last_criterion_that_counts_cannot_be_set_to_not_applicable(red_line_evaluation, last_counting, supervisor):
    before = red_line_evaluation.final_score, red_line_evaluation.reviews.count()
    url = f"/evaluations/{red_line_evaluation.pk}/criteria/{last_counting}/review/"
    body = {"verdict": "not_applicable", "reason": "Nothing applied at all."}

    with pytest.raises(ValidationError):
        overrule(red_line_evaluation, last_counting, "not_applicable", supervisor)
    client = client_of(supervisor)
    page = client.post(url, body, headers={"HX-Request": "true"}).content.decode()
    plain = client.post(url, body, follow=True).content.decode()
    refused = client.post(f"/api{url}", body, content_type="application/json")

    red_line_evaluation.refresh_from_db()
    assert (red_line_evaluation.final_score, red_line_evaluation.reviews.count()) == before
    assert refused.status_code == 400 and "At least one criterion that counts" in refused.json()["detail"]
    assert "At least one criterion that counts" in page and "Nothing applied at all." in page
    assert "At least one criterion that counts" in plain


def test_rejected_review_keeps_its_form(red_line_evaluation, supervisor):
    row = red_line_evaluation.criteria.first()
    url = f"/evaluations/{red_line_evaluation.pk}/criteria/{row.key}/review/"

    page = client_of(supervisor).post(url, {"reason": "I see it otherwise."}, headers={"HX-Request": "true"})

    assert "Your review was not saved." in page.content.decode() and "I see it otherwise." in page.content.decode()
