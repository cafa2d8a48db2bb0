from datetime import date, timedelta

from django.utils import timezone

from accounts.models import User
from evaluation.models import Tally
from evaluation.reports.plots import Plot, PlotPoint, percent_of
from evaluation.reports.progress import first_monday, list_skill_progress, plot_scores, recommend_practice
from scenarios.models import Skill
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import add_person, add_scenario, client_of

WEAK = {"greeting": "met", "asks_about_suicide": "not_met"}


def test_plot_leaves_time_gaps_and_inverts_percent_axis():
    monday = date(2026, 11, 2)
    weeks = [PlotPoint(monday, 0, 1), PlotPoint(monday + timedelta(days=21), 100, 2)]
    plot = Plot(weeks, monday, monday + timedelta(days=28))

    assert [(dot.x, dot.y) for dot in plot.dots] == [(0.0, 120.0), (450.0, 0.0)]
    assert plot.summary == "From 0% to 100% over 2 weeks"
    assert Plot([], monday, monday).summary == "No graded practice in this period."


def test_percent_of_rounds_down():
    assert (percent_of(2, 3), percent_of(3, 3), percent_of(0, 0)) == (66, 100, 0)


def test_skill_progress_follows_rubric_order(counselor):
    add_graded_session(counselor, 40, WEAK, days_ago=14)
    add_graded_session(counselor, 60, {"asks_about_suicide": "met", "scenario_1": "met"})

    skills = list_skill_progress(Tally.objects.for_user(counselor), 12)

    assert [(skill.key, skill.percent, skill.sessions) for skill in skills] == [
        ("engagement", 100, 1), ("risk", 50, 2), ("scenario", 100, 1),
    ]  # fmt: skip
    assert [point.percent for point in skills[1].plot.points] == [0, 100]
    assert [point.percent for point in plot_scores(Tally.objects.for_user(counselor), 12).points] == [40, 60]


def test_skill_progress_excludes_older_weeks(counselor):
    add_graded_session(counselor, 40, WEAK, days_ago=70)

    assert list_skill_progress(Tally.objects.for_user(counselor), 4) == []
    assert first_monday(1) == timezone.localdate() - timedelta(days=timezone.localdate().weekday())


def test_recommendation_names_weakest_skill_and_matching_scenario(counselor, organization):
    matching = add_scenario(organization, "On the bridge")
    matching.skills.add(Skill.objects.get(organization=organization, name="Risk assessment"))
    for _ in range(2):
        add_graded_session(counselor, 40, WEAK)

    advice = recommend_practice(counselor, list_skill_progress(Tally.objects.for_user(counselor), 12))

    assert (advice.skill.key, advice.scenario) == ("risk", matching)
    assert advice.why.startswith("0% of its criteria were met across 2 conversations.")

    add_graded_session(counselor, 40, WEAK, scenario=matching)
    assert recommend_practice(counselor, list_skill_progress(Tally.objects.for_user(counselor), 12)).scenario is None


def test_recommendation_requires_two_sessions(counselor):
    add_graded_session(counselor, 40, WEAK)

    assert recommend_practice(counselor, list_skill_progress(Tally.objects.for_user(counselor), 12)) is None


def test_progress_page_shows_plot_and_table_of_each_skill(counselor):
    for _ in range(2):
        add_graded_session(counselor, 40, WEAK)

    page = client_of(counselor).get("/progress/").content.decode()

    assert "Practice next: Detecting and assessing risk" in page
    assert 'aria-label="Engagement and tone. 100% in one week"' in page
    assert page.count("Show as table") == 3
    assert 'href="/progress/risk/"' in page


def test_skill_evidence_page_shows_quotes(counselor, supervisor, colleague):
    session = add_graded_session(counselor, 40, WEAK)
    criterion = session.evaluations.get().criteria.get(key="asks_about_suicide")

    own = client_of(counselor).get("/progress/risk/").content.decode()
    theirs = client_of(supervisor).get(f"/progress/risk/?person={counselor.pk}").content.decode()

    assert "said for asks_about_suicide" in own and "said for greeting" not in own
    assert f"/sessions/{session.pk}/#criterion-{criterion.pk}" in theirs
    assert client_of(colleague).get(f"/progress/risk/?person={counselor.pk}").status_code == 404
    assert client_of(counselor).get("/progress/cooking/").status_code == 404


def test_progress_page_hides_other_organizations(counselor, stranger):
    for person_id in (counselor.pk, "717"):
        assert client_of(stranger).get(f"/progress/?person={person_id}").status_code == 404


def test_skill_evidence_page_excludes_held_feedback(counselor, organization):
    other = add_person(organization, User.Role.COUNSELOR, "third@example.org")
    session = add_graded_session(other, 40, WEAK)
    session.evaluations.update(status="held")

    assert "said for" not in client_of(other).get("/progress/risk/").content.decode()
