"""Tests that every word and number follows a person's verdict: pages, API, webhooks, exports, charts, and lists."""

import pytest
from django.urls import reverse

from accounts.integrations.webhooks import add_webhook
from accounts.models import Delivery
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.reports.agreement import build_agreement_table
from evaluation.reports.final_feedback import build_final_feedback
from evaluation.reports.team import export_rows
from evaluation.reports.terminal_tables import agreement_cells
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import record_review
from tests.support.fixtures import client_of


def result(
    position: int, verdict: str, reviewed: str = "", weight: int = 1, start: int = 0, **fields
) -> CriterionResult:
    quotes = [{"turn": "turn-1", "start": start, "end": start + 5, "text": "words"}]
    options = {"key": f"k{position}", "check_text": f"Check {position}.", "source": "rubric", "quotes": quotes} | fields
    return CriterionResult(position=position, verdict=verdict, reviewed_verdict=reviewed, weight=weight, **options)


def feedback(**fields) -> Evaluation:
    moments = [{"turn": "turn-1", "start": start, "quote": "words", "why": f"at {start}"} for start in (0, 20)]
    options = {
        "rationale": "All good.",
        "learning_objective": "Check 0.",
        "went_well": moments,
        "improvements": moments,
    }
    return Evaluation(score=50, grade="D", **options | fields)


def test_words_stay_the_evaluators_without_a_changed_verdict():
    final = build_final_feedback(
        feedback(), [result(0, "met", "met"), result(1, "no_evidence"), result(2, "not_applicable")]
    )

    assert (final.is_changed, final.met, final.counted, final.first_to_look_at) == (False, 1, 2, "Check 1.")
    assert (final.rationale, final.learning_objective, len(final.went_well)) == ("All good.", "Check 0.", 2)


def test_first_to_look_at_is_a_crossed_red_line_or_the_weightiest_missed_criterion():
    rows = [
        result(0, "not_met"),
        result(1, "not_met", weight=3),
        result(2, "met", "not_met", is_red_line=True, weight=0),
    ]

    assert build_final_feedback(feedback(), rows).first_to_look_at == "Check 2."
    assert build_final_feedback(feedback(), rows[:2]).first_to_look_at == "Check 1."


@pytest.mark.parametrize(
    ("rows", "objective", "praise", "advice"),
    [
        # Overruled to met: no advice about the same words, and another criterion to practice.
        ([result(0, "not_met", "met"), result(1, "not_met", start=20)], "Check 1.", ["at 0"], ["at 20"]),
        # Overruled to not met: no praise for the same words.
        ([result(0, "met", "not_met"), result(1, "met", start=20)], "Check 0.", ["at 20"], ["at 0", "at 20"]),
        (
            [result(0, "not_met", "met"), result(1, "met", start=20)],
            "every criterion was met",
            ["at 0", "at 20"],
            ["at 20"],
        ),
    ],
)
def test_words_after_an_overrule_follow_the_final_verdicts(rows, objective, praise, advice):
    final = build_final_feedback(feedback(), rows)

    assert final.is_changed and objective in final.learning_objective
    assert "A person changed the verdict on 1 criterion." in final.rationale
    assert [moment["why"] for moment in final.went_well] == praise
    assert [moment["why"] for moment in final.improvements] == advice


@pytest.fixture
def graded(queued_evaluation, standin) -> Evaluation:
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()
    return queued_evaluation


def test_every_reader_of_a_grade_follows_an_overrule(graded, supervisor, counselor):
    add_webhook(supervisor, "https://lms.example.org/", ["evaluation.ready"])
    missed = [row for row in graded.criteria.all() if row.final_verdict in {"not_met", "no_evidence"}]
    first = build_final_feedback(graded, list(graded.criteria.all())).first_to_look_at
    row = next(one for one in missed if one.title == first)

    record_review(graded, supervisor, "overrule", "They did it in turn 2.", row, "met")

    graded.refresh_from_db()
    session = graded.session
    session.refresh_from_db()
    data = client_of(counselor).get(f"/api/sessions/{session.pk}/evaluation/").json()
    page = client_of(counselor).get(f"/sessions/{session.pk}/").content.decode()
    checks = client_of(counselor).get(f"/sessions/{session.pk}/checks/").content.decode()
    final_score, score_before = data["final_score"], graded.score
    assert final_score == graded.reviewed_score == session.score > score_before
    counted = [one for one in data["criteria"] if one["final_verdict"] != "not_applicable"]
    assert (data["criteria_met"], data["criteria_counted"]) == (
        sum(one["final_verdict"] == "met" for one in counted),
        len(counted),
    )
    assert f"{data['criteria_met']} of {data['criteria_counted']} criteria were met." in page
    for text in (data["rationale"], data["learning_objective"], data["first_to_look_at"]):
        assert text and first not in text
    assert graded.rationale not in page and f"practice this: {first}" not in page
    assert f"First to look at: {data['first_to_look_at']}" in page
    assert "The evaluator’s reason was: " in checks
    [event] = Delivery.objects.filter(event="evaluation.ready")
    assert (event.payload["score"], event.payload["grade"]) == (final_score, graded.reviewed_grade)
    header, exported = export_rows(supervisor, None, 1)
    assert exported[header.index("score")] == final_score
    assert Tally.objects.totals().get(counselor=counselor).reached == final_score


def test_lists_find_feedback_by_its_final_grade(graded, supervisor):
    for row in graded.criteria.exclude(verdict="not_applicable"):
        record_review(graded, supervisor, "overrule", "Right after all.", row, "met")
    graded.refresh_from_db()
    client = client_of(supervisor)

    found = {grade: client.get(f"/api/evaluations/?grade={grade}").json()["results"] for grade in "AF"}

    assert (graded.reviewed_grade, graded.grade != "A") == ("A", True)
    assert [row["final_grade"] for row in found["A"]] == ["A"] and found["F"] == []
    assert str(graded.session_id) in client.get(reverse("evaluation:evaluation_list"), {"grade": "A"}).content.decode()


def test_overruled_red_line_is_no_concern_and_a_new_one_is(graded, supervisor):
    row = graded.criteria.get(key="no_leading_negative")

    record_review(graded, supervisor, "overrule", "It was leading.", row, "not_met")
    graded.refresh_from_db()
    crossed = graded.needs_person
    record_review(graded, supervisor, "agree", "It was not.", row)
    graded.refresh_from_db()

    assert (crossed, graded.needs_person) == (["red_line"], [])


@pytest.mark.parametrize(("reviews", "kappa"), [(9, "too few"), (10, "1.00")])
def test_kappa_is_stated_from_enough_reviews_on(reviews, kappa):
    verdicts = [("a", verdict, verdict) for verdict in ["met", "not_met"] * 5][:reviews]

    rows = build_agreement_table(verdicts, {}, min_reviews=10)

    assert [agreement_cells(row.agreement)[2] for row in rows] == [kappa, kappa]


def test_agreement_page_says_too_few_and_how_many_are_needed(graded, supervisor, settings):
    record_review(graded, supervisor, "agree", "Yes.", graded.criteria.first())
    page = client_of(supervisor).get("/reviews/agreement/").content.decode()
    settings.AGREEMENT_MIN_REVIEWS = 1

    assert "29 more reviews until a figure is shown" in page and "With fewer than 30 reviews" in page
    assert "until a figure is shown" not in client_of(supervisor).get("/reviews/agreement/").content.decode()


def test_agreement_in_the_api_is_what_the_page_shows(graded, supervisor, stranger, counselor, settings):
    first, second = graded.criteria.all()[:2]
    record_review(graded, supervisor, "agree", "Yes.", first)
    record_review(graded, supervisor, "overrule", "No.", second, "not_applicable")

    few = client_of(supervisor).get("/api/agreement/").json()
    settings.AGREEMENT_MIN_REVIEWS = 2
    enough = client_of(supervisor).get("/api/agreement/").json()

    assert (few["min_reviews"], enough["min_reviews"]) == (30, 2)
    assert {row["key"]: (row["name"], row["reviews"], row["agree"]) for row in few["criteria"]} == {
        first.key: (first.title, 1, 1.0),
        second.key: (second.title, 1, 0.0),
    }
    assert {(row["kappa"], row["kappa_low"], row["kappa_high"], row["is_too_few"]) for row in few["criteria"]} == {
        (None, None, None, True)
    }
    assert (few["all"]["key"], few["all"]["reviews"], few["all"]["kappa"], few["all"]["is_too_few"]) == (
        "",
        2,
        None,
        True,
    )
    page = client_of(supervisor).get("/reviews/agreement/").content.decode()
    assert (enough["all"]["agree"], enough["all"]["is_too_few"]) == (0.5, False)
    assert f"{enough['all']['kappa']:.2f}" in page
    assert client_of(stranger).get("/api/agreement/").json() == {"min_reviews": 2, "criteria": [], "all": None}
    assert client_of(counselor).get("/api/agreement/").status_code == 403
