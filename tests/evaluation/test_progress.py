import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from evaluation.models import Tally
from evaluation.reports.plots import Plot, PlotPoint, percent_of
from evaluation.reports.progress import (
    count_red_lines,
    first_monday,
    list_skill_progress,
    plot_scores,
    rank_skills,
    recommend_practice,
)
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
    assert advice.why.startswith("You met 0% of its checks across 2 conversations.")

    add_graded_session(counselor, 40, WEAK, scenario=matching)
    assert recommend_practice(counselor, list_skill_progress(Tally.objects.for_user(counselor), 12)).scenario is None


def test_recommendation_requires_two_sessions(counselor):
    add_graded_session(counselor, 40, WEAK)

    assert recommend_practice(counselor, list_skill_progress(Tally.objects.for_user(counselor), 12)) is None


def test_progress_page_ranks_skills_with_their_evidence(counselor):
    for _ in range(2):
        add_graded_session(counselor, 40, WEAK)

    page = client_of(counselor).get("/progress/").content.decode()

    assert "Practice next: Detecting and assessing risk" in page
    assert re.findall(r'href="/progress/(\w+)/"><span', page) == ["engagement", "risk"]
    assert '<rect width="100" height="10"/></svg><b class="number">100%</b>' in page
    assert '<rect class="meter-middle" width="0" height="10"/></svg><b class="number">0%</b>' in page
    assert "2 graded conversations. Stopped ones don’t count." in page


def test_plot_appears_from_the_fifth_week_with_practice_on(counselor):
    for week in range(4):
        add_graded_session(counselor, 50 + week, WEAK, days_ago=7 * week)
    client = client_of(counselor)
    before = [client.get(path).content.decode() for path in ("/progress/", "/progress/risk/")]
    add_graded_session(counselor, 54, WEAK, days_ago=28)
    after = [client.get(path).content.decode() for path in ("/progress/", "/progress/risk/")]

    assert [page.count('class="spark"') for page in before] == [0, 0]
    assert all("A line appears from the fifth week with practice on." in page for page in before)
    assert 'role="img" aria-label="Score. From 54% to 50% over 5 weeks"' in after[0]
    assert 'role="img" aria-label="Detecting and assessing risk. From 0% to 0% over 5 weeks"' in after[1]
    assert all(page.count('<tr><th scope="row">') == 5 for page in after)


def test_plot_draws_its_line_and_area():
    monday = date(2026, 11, 2)
    plot = Plot(
        [PlotPoint(monday + timedelta(days=7 * n), 25 * n, 1) for n in range(5)], monday, monday + timedelta(28)
    )

    assert plot.is_drawn
    assert plot.line == "M0.0 120.0 L150.0 90.0 L300.0 60.0 L450.0 30.0 L600.0 0.0"
    assert plot.area == f"{plot.line} L600.0 120 L0.0 120 Z"


@pytest.mark.parametrize(
    ("sessions", "change"), [([1, 1, 1, 1], 35), ([3, 1, 1, 3], 43), ([1, 0, 1, 1], None), ([0, 0, 2, 2], None)]
)
def test_change_compares_the_halves_of_the_time(sessions, change):
    monday = date(2026, 11, 2)
    percents = zip((20, 30, 50, 70), sessions, strict=True)
    points = [PlotPoint(monday + timedelta(days=7 * n), percent, n_of) for n, (percent, n_of) in enumerate(percents)]

    assert Plot([point for point in points if point.sessions], monday, monday + timedelta(days=21)).change == change


def test_equal_skills_rank_by_conversations(counselor):
    add_graded_session(counselor, 60, {"greeting": "met", "reflection": "met"})
    add_graded_session(counselor, 60, {"reflection": "met", "asks_intent": "not_met"})

    skills = rank_skills(list_skill_progress(Tally.objects.for_user(counselor), 12))

    assert [(skill.key, skill.percent, skill.sessions) for skill in skills] == [
        ("listening", 100, 2), ("engagement", 100, 1), ("risk", 0, 1),
    ]  # fmt: skip


def test_progress_page_covers_the_chosen_time(counselor):
    add_graded_session(counselor, 40, WEAK, days_ago=70)
    add_graded_session(counselor, 90, {"greeting": "met"})
    client = client_of(counselor)

    def shown(query: str) -> tuple[str, ...]:
        page = client.get(f"/progress/{query}").content.decode()
        count = re.search(r"(\d) graded conversation", page)
        current = re.search(r'href="(\S+)" aria-current="true"', page.partition("<main")[2])
        return count[1], current[1]

    assert shown("?weeks=4") == ("1", "?weeks=4")
    assert shown("?weeks=12") == ("2", "?weeks=12")
    assert shown("") == shown("?weeks=717") == ("2", "?weeks=26")


def test_progress_page_says_how_often_red_lines_were_kept(counselor, colleague, supervisor):
    kept, crossed = add_graded_session(counselor, 90, WEAK), add_graded_session(counselor, 30, WEAK, days_ago=3)
    held = add_graded_session(counselor, 30, WEAK)
    for session in (crossed, held):
        session.evaluations.get().criteria.filter(key="asks_about_suicide").update(is_red_line=True)
    held.evaluations.update(status="held")

    for reader in (counselor, supervisor):
        record = count_red_lines(reader, counselor, 26)
        assert (record.kept, record.graded, record.last_crossed.session) == (1, 2, crossed)
    assert count_red_lines(colleague, counselor, 26).graded == 0
    page = client_of(counselor).get("/progress/").content.decode()
    assert "Kept in 1 of 2" in page
    assert f'<a href="/sessions/{crossed.pk}/">' in page
    assert f"/sessions/{kept.pk}/" in page and f"/sessions/{held.pk}/" not in page


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
