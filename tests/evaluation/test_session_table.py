from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from scenarios.models import ScenarioVersion
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import add_scenario, client_of
from training.models import Session


@pytest.fixture
def sessions(organization, counselor, colleague) -> dict[str, Session]:
    """Return one session in each state, by name."""
    User.objects.filter(pk=counselor.pk).update(first_name="Sam", last_name="Okafor")
    scenario = add_scenario(organization, "Two cups of coffee")
    version = ScenarioVersion.objects.create(
        organization=organization, scenario=scenario, number=1, digest="x", title=scenario.title, mode="chat"
    )
    found = {
        "graded": add_graded_session(counselor, 81, scenario=scenario, scenario_version=version),
        "old": add_graded_session(colleague, 40, days_ago=40, mode="phone"),
        "stopped": add_graded_session(colleague, 40, days_ago=3),
        "ungraded": add_graded_session(colleague, 40, days_ago=2),
        "review": add_graded_session(colleague, 40, days_ago=1),
    }
    found["stopped"].evaluations.all().delete()
    found["review"].evaluations.update(is_waiting=True, status="held")
    found["ungraded"].evaluations.update(status="failed")
    ungraded = Session.objects.filter(pk__in=[found[name].pk for name in ("stopped", "review", "ungraded")])
    ungraded.update(score=None)
    Session.objects.filter(pk=found["stopped"].pk).update(end_reason="stopped")
    found["live"] = Session.objects.create(
        organization=organization, counselor=counselor, kind="free_practice", mode="chat"
    )
    return found


def listed(person: User, query: str, sessions: dict[str, Session]) -> list[str]:
    """Return the names of the sessions in the table, in its order."""
    names = {session.pk: name for name, session in sessions.items()}
    page = client_of(person).get(f"/sessions/?{query}").context["page"]
    return [names[item.session.pk] for item in page.object_list]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["live", "graded", "review", "ungraded", "stopped", "old"]),
        ("status=live", ["live"]),
        ("status=graded", ["graded", "old"]),
        ("status=review", ["review"]),
        ("status=ungraded", ["ungraded"]),
        ("status=stopped", ["stopped"]),
        ("person=sam+oka", ["live", "graded"]),
        ("scenario=CUPS", ["graded"]),
        ("q=okafor", ["live", "graded"]),
        ("mode=phone", ["old"]),
        ("person=sam&status=live", ["live"]),
        ("sort=score&status=graded", ["old", "graded"]),
        ("sort=-score&status=graded", ["graded", "old"]),
        ("sort=started&status=graded", ["old", "graded"]),
        ("status=nonsense&from=yesterday&mode=phone", ["old"]),
    ],
)
def test_table_filters_and_sorts(supervisor, sessions, query, expected):
    assert listed(supervisor, query, sessions) == expected


def test_table_filters_by_local_days(supervisor, sessions):
    today = timezone.localdate()

    assert listed(supervisor, f"from={today - timedelta(days=2)}", sessions) == ["live", "graded", "review", "ungraded"]
    assert listed(supervisor, f"to={today - timedelta(days=3)}", sessions) == ["stopped", "old"]
    days = {link.label: link.query for link in client_of(supervisor).get("/sessions/").context["days"]}
    assert listed(supervisor, days["7 days"].removeprefix("?"), sessions)[-1] == "stopped"


def test_links_of_the_table_keep_the_other_filters(supervisor, sessions):
    context = client_of(supervisor).get("/sessions/?person=sam&status=live&page=3").context

    statuses = {link.label: (link.query, link.is_current) for link in context["statuses"]}
    assert statuses["Live now"] == ("?person=sam&status=live", True)
    assert statuses["All"] == ("?person=sam", False)
    assert (context["by_start"].query, context["by_start"].direction) == (
        "?person=sam&status=live&sort=started",
        "descending",
    )
    assert (context["by_score"].query, context["by_score"].direction) == (
        "?person=sam&status=live&sort=score",
        "none",
    )


def test_evaluator_finds_only_graded_sessions_and_no_addresses(evaluator, sessions, counselor):
    assert listed(evaluator, "", sessions) == ["graded", "review", "old"]
    assert listed(evaluator, "person=counselor@example", sessions) == []
    page = client_of(evaluator).get("/sessions/")
    assert page.context["people"] == [] and counselor.email not in page.content.decode()


def test_held_grade_is_shown_to_reviewers_only(supervisor, sessions):
    page = client_of(supervisor).get("/sessions/?status=review").content.decode()
    sessions["review"].counselor = supervisor
    Session.objects.filter(pk=sessions["review"].pk).update(counselor=supervisor)
    own = client_of(supervisor).get("/sessions/?status=review").content.decode()

    assert 'data-grade="F"' in page and "Held for review" in page
    assert "data-grade" not in own and "Being reviewed by a person" in own
