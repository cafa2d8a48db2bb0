"""The counselor's Today: the next thing to do, late assignments, and the last feedback with its one thing."""

from datetime import timedelta

from django.utils import timezone

from evaluation.models import Evaluation
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import add_scenario, client_of
from training.models import Assignment, EndReason
from training.services.assignments import assign
from training.services.session_start import start_free_practice
from training.services.sessions import end_session


def today_of(person, *, is_first_visit: bool = False) -> str:
    client = client_of(person)
    if not is_first_visit:
        end_session(start_free_practice(person, "chat")[0], EndReason.STOPPED)
    page = client.get("/").content.decode()
    return page.partition("<main")[2].partition("</main>")[0]


def test_hero_has_the_terms_and_the_content_note_of_the_next_assignment(counselor, supervisor, organization):
    scenario = add_scenario(organization, "On the bridge", content_notes="Thoughts of a young person")
    assign(scenario, counselor, supervisor, pass_mark=80, attempts_allowed=1)
    Assignment.objects.update(score=61)

    page = today_of(counselor)

    assert "Content note: Thoughts of a young person" in page
    assert "Score at least 80 out of 100 to pass. You have 1 attempt. Your best score so far is 61." in page
    assert "touches" not in page


def test_late_assignments_come_first_and_are_counted(counselor, supervisor, organization):
    day = timezone.localdate()
    for title, due in (("Later", day + timedelta(days=9)), ("Late", day)):
        assign(add_scenario(organization, title), counselor, supervisor, due_date=due)
    Assignment.objects.filter(scenario__title="Late").update(due_date=day - timedelta(days=1))

    page = today_of(counselor)

    assert "2 conversations are assigned to you, 1 overdue." in page
    assert '<h2 id="next">Late</h2>' in page
    assert "Next up, was due" in page


def test_last_feedback_shows_its_one_thing(counselor, supervisor):
    older = add_graded_session(counselor, 60, days_ago=2)
    newest = add_graded_session(counselor, 81)
    Evaluation.objects.filter(session=older).update(learning_objective="Ask sooner.")
    Evaluation.objects.filter(session=newest).update(learning_objective="Sum up before you plan.")

    page = today_of(counselor)
    card = page.partition("Your last feedback")[2].partition("</section>")[0]

    assert 'aria-label="Grade B, 81 of 100"' in card
    assert "Sum up before you plan." in card and "Ask sooner." not in card


def test_last_feedback_leaves_out_what_is_held_for_review(counselor):
    shown, held = add_graded_session(counselor, 60, days_ago=2), add_graded_session(counselor, 33)
    Evaluation.objects.filter(session=held).update(status="held", learning_objective="Not yet.")

    page = today_of(counselor)

    assert f'<h3><a href="/sessions/{shown.pk}/">' in page
    assert "33 of 100" not in page and "Not yet." not in page


def test_first_day_says_what_will_be_here(counselor):
    page = today_of(counselor, is_first_visit=True)

    assert "Three short steps, and you are ready for your first call." in page
    assert "Nothing is assigned to you. Practice what you like." in today_of(counselor)
    assert "No conversations yet" in page
    assert "Your last feedback" not in page and "Your last scores" not in page
