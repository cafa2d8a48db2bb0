import csv
import re
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Cohort, User
from evaluation.models import Dispute, Evaluation, Flag
from evaluation.reports.attention import list_attention
from evaluation.services.reviews import record_review
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import add_person, add_scenario, client_of
from training.models import Assignment, EndReason, Session
from training.services.assignments import assign
from training.services.session_start import start_assignment, start_free_practice
from training.services.sessions import end_session, stop_session


def streamed_text(response: Any) -> str:
    async def collect() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(collect)().decode("utf-8-sig")


WEAK = {"greeting": "met", "asks_about_suicide": "not_met"}


def test_team_page_shows_people_skills_and_scenarios(supervisor, counselor, colleague, chat_scenario):
    add_graded_session(counselor, 80, {"greeting": "met"}, scenario=chat_scenario)
    add_graded_session(counselor, 61, WEAK, scenario=chat_scenario)
    assign(chat_scenario, colleague, supervisor, due_date=timezone.localdate() - timedelta(days=1))

    response = client_of(supervisor).get("/team/")

    rows = {row.person: (row.sessions, row.percent, row.open, row.overdue) for row in response.context["rows"]}
    assert rows == {counselor: (2, 70, 0, 0), colleague: (0, None, 1, 1)}
    assert [(row.title, row.sessions, row.percent) for row in response.context["scenarios"]] == [
        ("Writing from the train", 2, 70)
    ]
    assert [(skill.key, skill.percent) for skill in response.context["skills"]] == [("risk", 0), ("engagement", 100)]


def test_team_page_filters_by_cohort_and_period(organization, supervisor, counselor, colleague):
    add_graded_session(counselor, 80, {"greeting": "met"}, days_ago=60)
    add_graded_session(colleague, 40, WEAK)
    cohort = Cohort.objects.create(organization=organization, name="Spring class")
    cohort.counselors.add(counselor)
    client = client_of(supervisor)

    cohort_context = client.get(f"/team/?cohort={cohort.pk}").context
    recent_context = client.get(f"/team/?cohort={cohort.pk}&span=4").context

    assert [row.person for row in cohort_context["rows"]] == [counselor]
    assert [skill.key for skill in cohort_context["skills"]] == ["engagement"]
    assert (recent_context["skills"], recent_context["rows"][0].sessions) == ([], 0)


def test_team_export_has_row_per_session_and_escapes_formulas(supervisor, stranger, counselor, chat_scenario):
    counselor.first_name = "=HYPERLINK(1)"
    counselor.save()
    add_graded_session(counselor, 80)
    start_free_practice(counselor, "chat")

    body, theirs = (streamed_text(client_of(person).get("/team/export.csv")) for person in (supervisor, stranger))

    rows = list(csv.DictReader(body.splitlines()))
    assert [(row["kind"], row["score"]) for row in rows] == [("free_practice", ""), ("free_practice", "80")]
    assert {row["counselor"] for row in rows} == {"'=HYPERLINK(1)"}
    assert len(theirs.splitlines()) == 1


def test_team_export_escapes_formula_in_title(supervisor, counselor, chat_scenario):
    chat_scenario.title = "=HYPERLINK(1)"
    chat_scenario.save()
    start_assignment(assign(chat_scenario, counselor, supervisor))

    body = streamed_text(client_of(supervisor).get("/team/export.csv"))

    assert [row["scenario"] for row in csv.DictReader(body.splitlines())] == ["'=HYPERLINK(1)"]


def test_team_page_takes_fixed_number_of_queries(organization, supervisor, counselor):
    add_graded_session(counselor, 80, WEAK)
    client = client_of(supervisor)

    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/team/")
        return len(captured)

    few = count_queries()
    for number in range(12):
        add_graded_session(add_person(organization, User.Role.COUNSELOR, f"c{number}@example.org"), 50, WEAK)

    assert count_queries() == few


def test_attention_page_groups_rows_by_kind(organization, supervisor, counselor, colleague, chat_scenario):
    yesterday = timezone.localdate() - timedelta(days=1)
    overdue = assign(chat_scenario, counselor, supervisor, due_date=yesterday)
    failed = assign(add_scenario(organization, "B"), counselor, supervisor)
    declined = assign(add_scenario(organization, "C"), counselor, supervisor)
    now = timezone.now()
    Assignment.objects.filter(pk=failed.pk).update(status="completed", score=30, pass_mark=70, completed_at=now)
    Assignment.objects.filter(pk=declined.pk).update(status="cancelled", declined_at=now)
    session = add_graded_session(counselor, 40, WEAK)
    criterion = session.evaluations.get().criteria.first()
    dispute = Dispute.objects.create(
        organization=organization, criterion=criterion, counselor=counselor, reason="I did ask."
    )
    flags = [
        Flag.objects.create(organization=organization, session=session, kind="technical", severity=severity)
        for severity in ("info", "critical")
    ]
    ungraded = add_graded_session(colleague, 40)
    Evaluation.objects.filter(session=ungraded).update(status="failed", completed_at=now)
    for _ in range(3):
        stop_session(start_free_practice(colleague, "chat")[0])
    stop_session(start_free_practice(counselor, "chat")[0])

    found = {kind: matter.rows for kind, matter in list_attention(supervisor).items() if matter.count}

    assert found == {
        "talk_to": [colleague],
        "flags": flags[::-1],
        "disputes": [dispute],
        "low_grades": [session.evaluations.get()],
        "overdue": [overdue],
        "failed": [failed],
        "declined": [declined],
        "ungraded": [ungraded.evaluations.get()],
    }
    page = client_of(supervisor).get("/attention/").content.decode()
    assert "Counselors to check in with (1)" in page and "That isn’t a performance problem." in page
    assert "stopped several conversations this month" in client_of(supervisor).get("/").content.decode()


def test_attention_page_without_rows_shows_notice(supervisor):
    assert "Nothing needs your attention right now." in client_of(supervisor).get("/attention/").content.decode()


def test_live_sessions_are_listed_and_readable(supervisor, stranger, counselor, chat):
    client = client_of(supervisor)

    assert str(chat.pk) in client.get("/live/").content.decode()
    assert str(chat.pk) not in client_of(stranger).get("/live/").content.decode()
    page = client.get(f"/sessions/{chat.pk}/").content.decode()
    assert f'hx-get="/sessions/{chat.pk}/transcript/"' in page

    end_session(chat, EndReason.HUNG_UP)
    polled = client.get(f"/sessions/{chat.pk}/transcript/", headers={"HX-Request": "true"})
    assert (polled["HX-Refresh"], polled.content) == ("true", b"")
    ended_page = client.get(f"/sessions/{chat.pk}/").content.decode()
    assert "This chat is in progress." not in ended_page and f'"/sessions/{chat.pk}/transcript/" hx' not in ended_page
    assert "No conversations in progress" in client.get("/live/").content.decode()


def test_team_page_lists_people_and_finds_them_by_parts_of_their_names(organization, supervisor, stranger):
    User.objects.bulk_create(
        User(organization=organization, email=f"c{n}@example.org", first_name=f"Name{n}", last_name="Okafor")
        for n in range(300)
    )
    client = client_of(supervisor)

    everyone, found = client.get("/team/").context, client.get("/team/?q=name29+oka").context

    assert (len(everyone["rows"]), everyone["page"].paginator.count) == (25, 300)
    assert {row.person.first_name for row in found["rows"]} == {"Name29", *(f"Name29{n}" for n in range(10))}
    assert "No counselors match your filters" in client_of(stranger).get("/team/?q=okafor").content.decode()


def test_evaluation_list_filters_by_counselor_grade_and_state(supervisor, counselor, colleague):
    good, bad = add_graded_session(counselor, 95, WEAK), add_graded_session(colleague, 40, WEAK)
    Dispute.objects.create(
        organization=counselor.organization,
        criterion=bad.evaluations.get().criteria.first(),
        counselor=colleague,
        reason="I did.",
    )
    client = client_of(supervisor)

    def list_sessions(query: str) -> list[object]:
        return [row.session for row in client.get(f"/feedback/{query}").context["page"]]

    assert set(list_sessions("")) == {good, bad}
    assert list_sessions("?grade=A") == list_sessions("?q=counselor") == [good]
    assert list_sessions("?state=disputed") == list_sessions("?grade=F") == [bad]
    assert list_sessions("?state=waiting") == list_sessions("?state=reviewed") == []
    assert set(list_sessions("?grade=Z")) == {good, bad}


def test_history_search_matches_own_words_and_names(supervisor, counselor, colleague, finished_chat):
    add_graded_session(colleague, 80)

    def list_session_ids(person: User, query: str) -> list[object]:
        return [row.session.pk for row in client_of(person).get(f"/sessions/?{query}").context["page"].object_list]

    assert (
        list_session_ids(counselor, "q=real+person")
        == list_session_ids(supervisor, "q=counselor")
        == [finished_chat.pk]
    )
    assert list_session_ids(supervisor, "q=real+person") == []
    assert (
        list_session_ids(counselor, "q=train") == list_session_ids(supervisor, "kind=assignment") == [finished_chat.pk]
    )
    assert Session.objects.count() == 2


def test_team_page_shows_what_each_person_needs_and_their_last_scores(supervisor, counselor, colleague, chat_scenario):
    for days_ago, score in enumerate((71, 60, 55, 52, 50, 40), start=1):
        add_graded_session(counselor, score, days_ago=days_ago)
    assign(chat_scenario, counselor, supervisor, due_date=timezone.localdate() - timedelta(days=1))
    start_free_practice(colleague, "chat")
    client = client_of(supervisor)

    rows = {row.person: row for row in client.get("/team/").context["rows"]}

    first = rows[counselor]
    assert (str(first.need.label), first.other_needs) == ("Overdue", 0)
    assert (first.scores_text, first.last_score, first.last_grade) == ("50, 52, 55, 60, 71", 71, "C")
    assert (rows[colleague].need, rows[colleague].last_grade, rows[colleague].is_live) == (None, None, True)
    shown = {show: client.get(f"/team/?show={show}").context["rows"] for show in ("need", "new")}
    assert [row.person for row in shown["need"]] == [counselor] and shown["new"] == []


def test_agreement_page_shows_no_figure_before_enough_reviews(supervisor, counselor, settings):
    settings.AGREEMENT_MIN_REVIEWS = 3
    for verdict in ("met", "met", "not_met"):
        session = add_graded_session(counselor, 80, {"greeting": verdict, "reflection": "met"})
        evaluation = session.evaluations.get()
        record_review(evaluation, supervisor, "agree", "Yes.", evaluation.criteria.get(key="greeting"))
    record_review(evaluation, supervisor, "agree", "Yes.", evaluation.criteria.get(key="reflection"))

    page = client_of(supervisor).get("/reviews/agreement/")

    rows = {row.key: (cells[0], missing) for row, cells, missing in page.context["rows"]}
    assert rows == {"greeting": ("3", 0), "reflection": ("1", 2), "": ("4", 0)}
    text = page.content.decode()
    assert text.count("100%") == 2 and "2 more reviews until a figure is shown" in text


def test_only_those_who_may_invite_are_led_to_it(admin, supervisor):
    pages = [client_of(person).get("/team/").content.decode() for person in (admin, supervisor)]

    assert ["Invite people" in page for page in pages] == [True, False]
    assert re.search(r'href="/center/people/">.*?Invite people</a>', pages[0])
