import pytest
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile

from evaluation.models import Evaluation, Flag, Review
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import record_review
from recordings.models import Recording
from tests.support.fixtures import add_scenario, client_of, write_turns
from training.services.session_start import start_trial
from training.services.sessions import end_session


@pytest.fixture
def graded_evaluation(queued_evaluation, standin) -> Evaluation:
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()
    return queued_evaluation


def session_page(session) -> str:
    return f"/admin/training/session/{session.pk}/change/"


def evaluation_page(evaluation) -> str:
    return f"/admin/evaluation/evaluation/{evaluation.pk}/change/"


@pytest.mark.parametrize("role", ["supervisor", "evaluator", "admin"])
def test_session_page_shows_transcript_and_feedback(role, request, graded_evaluation, finished_chat):
    client = client_of(request.getfixturevalue(role))

    body = client.get(session_page(finished_chat)).content.decode()

    for turn in finished_chat.transcript():
        assert turn.text_heard.replace("'", "&#x27;") in body
    assert f"/sessions/{finished_chat.pk}/" in body
    assert f"Version 1 · Completed {graded_evaluation.grade}" in body
    assert "Not recorded" in body


@pytest.mark.parametrize(
    ("query", "shows_practice", "shows_trials"),
    [("", True, False), ("?kind=trial", False, True), ("?kind=assignment", True, False), ("?kind=all", True, True)],
)
def test_session_list_shows_own_trials_only_when_filtered(
    supervisor, admin, finished_chat, organization, query, shows_practice, shows_trials
):
    trial, _ = start_trial(supervisor, add_scenario(organization, "A draft"), "chat")
    theirs, _ = start_trial(admin, add_scenario(organization, "Their draft"), "chat")
    end_session(trial, "hung_up")
    client = client_of(supervisor)

    sessions = client.get(f"/admin/training/session/{query}").content.decode()
    evaluations = client.get(f"/admin/evaluation/evaluation/{query}").content.decode()

    for session, is_shown in ((finished_chat, shows_practice), (trial, shows_trials)):
        assert (session_page(session) in sessions) is is_shown
        assert (evaluation_page(session.evaluations.get()) in evaluations) is is_shown
    assert session_page(theirs) not in sessions


def test_session_page_plays_recording(supervisor, call):
    end_session(call, "hung_up")
    recording = Recording(session=call, organization_id=call.organization_id, state="completed", size=3, sha256="x")
    recording.file.save("r.wav", ContentFile(b"wav"))

    body = client_of(supervisor).get(session_page(call)).content.decode()

    assert f'<audio controls preload="metadata" src="/recordings/{recording.pk}/audio/"></audio>' in body


def test_session_page_escapes_transcript(supervisor, chat):
    write_turns(chat, "<script>alert(1)</script>")

    body = client_of(supervisor).get(session_page(chat)).content.decode()

    assert "<script>alert" not in body and "&lt;script&gt;alert" in body


def grade_again_in_admin(person, *sessions, **more: str):
    data = {"action": "grade_again", "_selected_action": [str(session.pk) for session in sessions]}
    return client_of(person).post("/admin/training/session/", data | more, follow=True)


def test_grade_again_action_asks_first_and_counts_reviewed_sessions(supervisor, graded_evaluation, finished_chat):
    record_review(graded_evaluation, supervisor, "agree", "Yes.", graded_evaluation.criteria.first())

    page = grade_again_in_admin(supervisor, finished_chat).content.decode()

    assert "A person has reviewed the feedback on 1 of these sessions." in page
    assert "Their verdicts are kept in the new feedback." in page
    assert finished_chat.evaluations.count() == 1


def test_grade_again_action_is_closed_to_evaluators(evaluator, graded_evaluation, finished_chat):
    response = grade_again_in_admin(evaluator, finished_chat, confirmed="yes")

    assert "grade_again" not in response.content.decode()
    assert finished_chat.evaluations.count() == 1


def test_grade_again_action_keeps_to_the_hourly_limit(supervisor, graded_evaluation, finished_chat):
    for _ in range(4):
        finished_chat.evaluations.update(status="completed", score=80)
        response = grade_again_in_admin(supervisor, finished_chat, confirmed="yes")

    refusal = "Feedback on one conversation can be requested again up to 3 times an hour. The conversation is kept."
    assert refusal in response.content.decode()
    assert finished_chat.evaluations.count() == 4  # the automatic one does not count


def test_grade_again_action_queues_new_version(supervisor, graded_evaluation, finished_chat, call):
    response = grade_again_in_admin(supervisor, finished_chat, call, confirmed="yes")

    assert "1 session queued for grading. Live sessions are graded when they end." in response.content.decode()
    newest = finished_chat.evaluations.newest_first()[0]
    assert (newest.version, newest.status, newest.requested_by) == (2, "queued", supervisor)
    assert call.evaluations.count() == 0


def unchanged_form_data(client, evaluation: Evaluation) -> dict[str, object]:
    """Return the POST data of the evaluation's admin form with no field filled in."""
    data: dict[str, object] = {}
    for inline in client.get(evaluation_page(evaluation)).context["inline_admin_formsets"]:
        prefix, forms = inline.formset.prefix, inline.formset.initial_forms
        data |= {f"{prefix}-{name}": value for name, value in inline.formset.management_form.initial.items()}
        data |= {f"{prefix}-{number}-id": form.instance.pk for number, form in enumerate(forms)}
    return data


def post_review(person, evaluation: Evaluation, number: int = 0, **fields: object):
    """Post a review as `person` in row `number` of the form, and return the response."""
    client, review_fields = client_of(person), {"verdict": "overrule", "reason": "They did ask."} | fields
    if "criterion" in fields:
        review_fields |= {"new_verdict": "not_applicable"}
    data = unchanged_form_data(client, evaluation) | {
        f"reviews-{number}-{name}": value for name, value in review_fields.items()
    }
    data["reviews-TOTAL_FORMS"] = number + 1
    return client.post(evaluation_page(evaluation), data)


@pytest.mark.parametrize("role", ["supervisor", "evaluator"])
def test_review_keeps_evaluators_verdict(role, request, graded_evaluation):
    person, criterion = request.getfixturevalue(role), graded_evaluation.criteria.first()
    before = Evaluation.objects.values().get()

    response = post_review(person, graded_evaluation, criterion=criterion.pk)

    assert response.status_code == 302, response.context["errors"]
    review = Review.objects.get()
    assert (review.reviewer, review.organization, review.criterion) == (person, person.organization, criterion)
    after = Evaluation.objects.values().get()
    assert after.pop("reviewed_score") is not None and after.pop("reviewed_grade")
    assert after == {name: value for name, value in before.items() if name in after}


def test_overruling_review_requires_new_verdict(supervisor, graded_evaluation):
    client, criterion = client_of(supervisor), graded_evaluation.criteria.first()
    fields = {"verdict": "overrule", "reason": "They did ask.", "criterion": criterion.pk, "new_verdict": ""}
    data = unchanged_form_data(client, graded_evaluation) | {
        f"reviews-0-{name}": value for name, value in fields.items()
    }

    response = client.post(evaluation_page(graded_evaluation), data | {"reviews-TOTAL_FORMS": 1})

    assert "Choose the new verdict." in response.content.decode()
    assert Review.objects.count() == 0


def test_review_cannot_be_changed(supervisor, evaluator, graded_evaluation):
    post_review(evaluator, graded_evaluation)
    review = Review.objects.get()

    change_response = post_review(supervisor, graded_evaluation, id=review.pk, reason="Rewritten.")
    second_response = post_review(supervisor, graded_evaluation, number=1, reason="I see it otherwise.")

    assert (change_response.status_code, second_response.status_code) == (302, 302)
    review.refresh_from_db()
    assert (review.reason, review.reviewer) == ("They did ask.", evaluator)
    assert [row.reviewer for row in graded_evaluation.reviews.all()] == [evaluator, supervisor]


def test_review_rejects_criterion_of_another_evaluation(supervisor, graded_evaluation, finished_chat, standin):
    other, _ = Evaluation.objects.queue_for(finished_chat)
    grade_evaluation(other.pk)

    response = post_review(supervisor, graded_evaluation, criterion=other.criteria.first().pk)

    assert response.status_code == 200
    assert Review.objects.count() == 0


def test_evaluation_cannot_be_changed(supervisor, graded_evaluation):
    before = Evaluation.objects.values().get()
    client = client_of(supervisor)
    manual_changes = {
        "score": 100,
        "grade": "A",
        "status": "failed",
        "criteria-0-verdict": "met",
        "flags-0-note": "none",
    }

    response = client.post(
        evaluation_page(graded_evaluation), unchanged_form_data(client, graded_evaluation) | manual_changes
    )

    assert response.status_code == 302
    assert Evaluation.objects.values().get() == before


def test_flags_are_hidden_from_counselors(supervisor, counselor, graded_evaluation, finished_chat):
    Flag.objects.create(
        evaluation=graded_evaluation,
        session=finished_chat,
        organization_id=graded_evaluation.organization_id,
        kind="numbat",
        severity="critical",
        note="quoll",
    )

    supervisor_page = client_of(supervisor).get(evaluation_page(graded_evaluation)).content.decode()
    counselor_page = client_of(counselor).get(f"/sessions/{finished_chat.pk}/").content.decode()
    api = client_of(counselor).get(f"/api/sessions/{finished_chat.pk}/evaluation/").content.decode()

    assert "numbat" in supervisor_page and "quoll" in supervisor_page
    assert "numbat" not in counselor_page + api and "quoll" not in counselor_page + api


@pytest.fixture
def overruled_evaluation(graded_evaluation, supervisor) -> Evaluation:
    """Return feedback whose every verdict a person changed to met, or else kept."""
    for row in graded_evaluation.criteria.exclude(verdict="not_applicable"):
        verdict = "agree" if row.verdict == "met" else "overrule"
        record_review(graded_evaluation, supervisor, verdict, "They did.", row, "met")
    graded_evaluation.refresh_from_db()
    return graded_evaluation


def test_pages_and_lists_show_what_holds_after_reviews(overruled_evaluation, finished_chat, supervisor):
    client, computed = client_of(supervisor), overruled_evaluation.grade

    session = client.get(session_page(finished_chat)).content.decode()
    evaluation = client.get(evaluation_page(overruled_evaluation)).content.decode()
    sessions = client.get("/admin/training/session/").content.decode()
    lists = {
        letter: client.get(f"/admin/evaluation/evaluation/?grade={letter}").context["cl"].result_count
        for letter in ("A", computed)
    }

    assert overruled_evaluation.final_grade == "A" != computed
    assert "Version 1 · Completed A" in session
    assert '<td class="field-grade">A</td>' in sessions
    assert lists == {"A": 1, computed: 0}
    assert overruled_evaluation.rationale not in evaluation
    assert "A person changed the verdict" in evaluation and "every criterion was met" in evaluation
    shown = evaluation.count("field-verdict_after_review")
    assert shown == overruled_evaluation.criteria.count()


@pytest.mark.parametrize(("stored", "answer"), [(None, "no"), (False, "no"), (True, "yes")])
def test_procedures_are_searched_or_not_once_there_is_a_grade(graded_evaluation, supervisor, stored, answer):
    client = client_of(supervisor)
    Evaluation.objects.update(used_file_search=stored)  # None: stored by an earlier version
    page = client.get(evaluation_page(graded_evaluation)).content.decode()

    found = {
        one: client.get(f"/admin/evaluation/evaluation/?searched={one}").context["cl"].result_count
        for one in ("yes", "no")
    }

    assert found == {"yes": 0, "no": 0} | {answer: 1}
    assert f"icon-{answer}" in page
    assert "Graded without the procedures, because the account has no document." in page


def test_review_that_leaves_nothing_to_grade_is_refused_in_words(supervisor, graded_evaluation):
    *others, last = graded_evaluation.criteria.filter(is_red_line=False).exclude(verdict="not_applicable")
    for row in others:
        record_review(graded_evaluation, supervisor, "overrule", "Did not apply.", row, "not_applicable")

    response = post_review(supervisor, graded_evaluation, criterion=last.pk, number=len(others))
    [shown] = [str(one) for one in get_messages(response.wsgi_request) if one.level_tag == "error"]

    assert response.status_code == 302
    assert Review.objects.count() == len(others)
    assert "At least one criterion that counts" in shown
