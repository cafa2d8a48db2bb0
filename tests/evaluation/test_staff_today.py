from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from evaluation.models import Dispute, Evaluation, Flag
from evaluation.reports.attention import kinds_by_person, list_attention, people_in_need
from evaluation.reports.hours import build_hour_chart
from evaluation.services.reviews import mark_looked_at
from evaluation.views.staff_today import StaffToday
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import add_person, add_scenario, client_of
from training.models import Assignment, Session
from training.services.assignments import assign

FAILED_CHECK = {"greeting": "met", "asks_about_suicide": "not_met"}


def today_of(person: User) -> StaffToday:
    return client_of(person).get("/").context["today"]


def tiles_of(person: User) -> dict[str, tuple[int, str]]:
    return {tile.label: (tile.value, tile.url) for tile in today_of(person).tiles}


def cross_red_line(session: Session) -> Any:
    """Turn the feedback on a graded session into one that needs human review, and return the crossed check."""
    evaluation = session.evaluations.get()
    Evaluation.objects.filter(pk=evaluation.pk).update(is_waiting=True, needs_person=["red_line"])
    check = evaluation.criteria.last()
    check.is_red_line = True
    check.save()
    return check


def test_tiles_count_and_lead_to_the_same_rows(organization, supervisor, counselor, colleague, chat_scenario, chat):
    yesterday = timezone.localdate() - timedelta(days=1)
    assign(chat_scenario, colleague, supervisor, due_date=yesterday)
    failed = assign(add_scenario(organization, "B"), colleague, supervisor)
    Assignment.objects.filter(pk=failed.pk).update(
        status="completed", score=30, pass_mark=70, completed_at=timezone.now()
    )
    cross_red_line(add_graded_session(counselor, 40, FAILED_CHECK))

    tiles = tiles_of(supervisor)

    assert tiles == {
        "Overdue": (1, "/assignments/?status=overdue"),
        "Below the pass mark": (1, "/assignments/?status=failed"),
        "To review": (1, "/reviews/"),
        "Live now": (1, "/live/"),
    }
    lists = {url: client_of(supervisor).get(url).context for _count, url in tiles.values()}
    rows = {url: len(found["page"] if "page" in found else found["sessions"]) for url, found in lists.items()}
    assert rows == {url: 1 for _count, url in tiles.values()}


def test_queue_has_one_row_and_one_way_on_for_each_person(
    organization, supervisor, counselor, colleague, chat_scenario
):
    crossed = cross_red_line(add_graded_session(counselor, 40, FAILED_CHECK))
    assign(chat_scenario, counselor, supervisor, due_date=timezone.localdate() - timedelta(days=1))
    session = add_graded_session(colleague, 70, FAILED_CHECK)
    check = session.evaluations.get().criteria.first()
    Dispute.objects.create(organization=organization, criterion=check, counselor=colleague, reason="I did.")

    queue = today_of(supervisor).queue

    assert [(row.person, row.kind, row.action, row.url, row.others) for row in queue] == [
        (
            counselor,
            "red_lines",
            "Review",
            f"/sessions/{crossed.evaluation.session_id}/#criterion-{crossed.pk}",
            1,
        ),
        (colleague, "disputes", "Decide", f"/sessions/{session.pk}/#criterion-{check.pk}", 0),
    ]
    page = client_of(supervisor).get("/").content.decode()
    assert f'href="{queue[0].url}"' in page and "and 1 more" in page


def test_lowest_grade_is_in_the_queue_until_someone_looked_or_it_was_improved(supervisor, counselor, colleague):
    looked = add_graded_session(counselor, 30)
    improved = add_graded_session(colleague, 20, days_ago=3)
    assert {row.person: (row.kind, row.url) for row in today_of(supervisor).queue} == {
        counselor: ("low_grades", f"/sessions/{looked.pk}/"),
        colleague: ("low_grades", f"/sessions/{improved.pk}/"),
    }

    mark_looked_at(looked.evaluations.get(), supervisor)
    add_graded_session(colleague, 45, days_ago=2)
    assert [row.person for row in today_of(supervisor).queue] == [colleague]
    add_graded_session(colleague, 50, days_ago=1)

    assert today_of(supervisor).queue == []


def test_counselor_without_practice_is_listed_only_with_an_old_account(supervisor, counselor, colleague):
    long_ago = timezone.now() - timedelta(days=40)
    User.objects.filter(pk__in=[counselor.pk, colleague.pk]).update(date_joined=long_ago)
    add_graded_session(colleague, 90, days_ago=20)

    assert list_attention(supervisor)["inactive"].rows == [counselor]
    assert [(row.person, row.url) for row in today_of(supervisor).queue] == [
        (counselor, f"/assignments/new/?counselors={counselor.pk}")
    ]


def test_people_in_need_are_those_with_an_item(organization, supervisor, counselor, colleague, stranger, chat_scenario):
    assign(chat_scenario, counselor, supervisor, due_date=timezone.localdate() - timedelta(days=1))
    Flag.objects.create(
        organization=organization, session=add_graded_session(counselor, 80), kind="technical", severity="warning"
    )
    add_graded_session(colleague, 80)

    assert list(people_in_need(supervisor)) == [counselor]
    assert kinds_by_person(supervisor, [counselor.pk, colleague.pk]) == {counselor.pk: ["flags", "overdue"]}
    assert list(people_in_need(stranger)) == []


def test_evaluator_sees_what_to_review_and_nothing_of_assignments(evaluator, supervisor, counselor, chat_scenario):
    assign(chat_scenario, counselor, supervisor, due_date=timezone.localdate() - timedelta(days=1))
    cross_red_line(add_graded_session(counselor, 40, FAILED_CHECK))

    page = client_of(evaluator).get("/")

    today = page.context["today"]
    assert {tile.label: tile.value for tile in today.tiles} == {
        "To review": 1, "Disputed": 0, "Flags": 0, "Not reviewed": 1,
    }  # fmt: skip
    assert [(row.kind, row.others) for row in today.queue] == [("red_lines", 0)]
    assert (today.team_score, today.hours, today.live) == (None, None, [])
    assert "Assign practice" not in page.content.decode() and "New scenario" not in page.content.decode()


def test_trainer_sees_scenarios_and_nothing_of_people(trainer, supervisor, counselor, chat_scenario):
    add_graded_session(counselor, 30)

    page = client_of(trainer).get("/")

    today = page.context["today"]
    assert {tile.label: tile.value for tile in today.tiles} == {
        "In the library": 1,
        "Open drafts": 0,
        "Open imports": 0,
    }
    assert (today.queue, today.team_score, today.hours) == ([], None, None)
    assert str(counselor) not in page.content.decode()
    assert "New scenario" in page.content.decode() and "Assign practice" not in page.content.decode()


@pytest.mark.parametrize("role", [User.Role.SUPERVISOR, User.Role.EVALUATOR, User.Role.TRAINER])
def test_own_assignments_of_staff_are_shown(organization, supervisor, phone_scenario, role):
    person = add_person(organization, role, "own@example.org")
    assignment = Assignment.objects.create(
        organization=organization, scenario=phone_scenario, counselor=person, assigned_by=supervisor
    )

    page = client_of(person).get("/").content.decode()

    assert f'href="/training/voice/{assignment.pk}/"' in page
    assert "Assigned to you" not in client_of(supervisor).get("/").content.decode()


def test_hours_are_counted_in_the_organizations_time_zone(organization, supervisor, stranger, counselor):
    organization.time_zone = "America/New_York"
    organization.save()
    session = add_graded_session(counselor, 80)
    noon_utc = timezone.now().replace(hour=16, minute=30) - timedelta(days=2)
    Session.objects.filter(pk=session.pk).update(started_at=noon_utc)
    old = add_graded_session(counselor, 80, days_ago=40)
    assert old.started_at < timezone.now() - timedelta(days=28)

    with timezone.override(organization.zone):
        chart = build_hour_chart(supervisor)
        local_hour = timezone.localtime(noon_utc).hour

    assert {bar.hour: bar.count for bar in chart.bars if bar.count} == {local_hour: 1}
    assert (len(chart.bars), chart.total, chart.busiest.height, chart.busiest.y) == (24, 1, 60, 0)
    assert build_hour_chart(stranger).total == 0


def test_team_score_is_the_last_week_with_its_change(supervisor, counselor):
    for days_ago, score in ((28, 60), (21, 66), (0, 71)):
        add_graded_session(counselor, score, FAILED_CHECK, days_ago=days_ago)

    score = today_of(supervisor).team_score

    assert (score.latest, score.change, score.line.is_drawn) == (71, "up 11 in 4 weeks", False)
    assert score.extremes == "Strongest: Engagement and tone. Weakest: Detecting and assessing risk."
    assert "The line appears after the fifth week" in client_of(supervisor).get("/").content.decode()
