import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation.models import Comment, CriterionResult, Review
from evaluation.reports.talk_time import TimeInterval
from evaluation.reports.waveform import WIDTH, draw_waveform
from evaluation.views.check_groups import group_checks
from evaluation.views.feedback_panel import ShownCriterion
from evaluation.views.transcript_panel import TextPiece, cut_into_pieces
from recordings.models import Recording
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of, write_turns
from training.models import TranscriptTurn
from training.services.sessions import end_session


def check(position: int, verdict: str, branch: str = "risk", weight: int = 1, **fields) -> ShownCriterion:
    row = CriterionResult(
        position=position, key=f"c{position}", check_text=f"Check {position}", branch=branch, weight=weight,
        source="rubric", verdict=verdict, **fields,
    )  # fmt: skip
    return ShownCriterion(row, [], None, None, None)


def test_quotes_are_cut_out_of_a_turn_and_missed_ones_win():
    text = "I hear you. Are you safe?"

    pieces = cut_into_pieces(text, [(0, 10, "good"), (7, 10, "warn"), (12, 99, "good")])

    assert pieces == [
        TextPiece("I hear ", "good"),
        TextPiece("you", "warn"),
        TextPiece(". "),
        TextPiece("Are you safe?", "good"),
    ]
    assert cut_into_pieces(text, []) == [TextPiece(text)]
    assert cut_into_pieces("", [(0, 3, "good")]) == []


def test_missed_checks_come_first_and_the_rest_by_branch():
    checks = [
        check(0, "met", "engagement"),
        check(1, "not_met"),
        check(2, "no_evidence", weight=3),
        check(3, "met"),
        check(4, "not_applicable"),
        check(5, "not_met", "red_lines", weight=0, is_red_line=True),
        check(6, "not_met", reviewed_verdict="met"),
        check(7, "met", "red_lines", weight=0, is_red_line=True),
    ]

    groups = [
        (one.key, [row.result.position for row in one.checks], one.met, one.counted) for one in group_checks(checks)
    ]

    assert groups == [
        ("to-work-on", [5, 2, 1], 0, 3),
        ("group-red_lines", [7], 1, 2),
        ("group-engagement", [0], 1, 1),
        ("group-risk", [3, 6], 2, 4),
        ("did-not-apply", [4], 0, 0),
    ]


def test_waveform_has_one_bar_for_each_unit_and_a_band_for_each_pause():
    drawing = draw_waveform([[0.5], [1.0, 0.0]], [TimeInterval(5000, 10_000)], 10_000)

    assert drawing.counselor.count("M") == drawing.caller.count("M") == WIDTH
    assert drawing.counselor.startswith("M0.5 21v9.5") and drawing.caller.startswith("M0.5 19v-19.0")
    assert drawing.caller.endswith("v-0.8")
    assert [(band.x, band.width) for band in drawing.pauses] == [(WIDTH / 2, WIDTH / 2)]


@pytest.mark.parametrize("tab", ["", "checks/", "transcript/", "print/"])
def test_tabs_take_the_same_queries_for_any_number_of_checks_and_comments(tab, counselor, supervisor):
    session = add_graded_session(counselor, 70, {"greeting": "met", "reflection": "not_met"})
    evaluation = session.evaluations.get()
    turn = TranscriptTurn.objects.create(
        organization_id=session.organization_id, session=session, role="counselor", text_heard="hello", item="1",
        revision=1, source="typed",
    )  # fmt: skip
    client, path = client_of(supervisor), f"/sessions/{session.pk}/{tab}"

    def add_rows(begin: int, number: int) -> None:
        rows = CriterionResult.objects.bulk_create(
            CriterionResult(
                evaluation=evaluation, organization_id=session.organization_id, position=n, key=f"c{n}",
                check_text=f"Check {n}", source="rubric", branch="risk", verdict="met",
                quotes=[{"turn": str(turn.pk), "start": 0, "end": 5, "text": "hello"}],
            )
            for n in range(begin, begin + number)
        )  # fmt: skip
        Review.objects.bulk_create(
            Review(
                organization_id=session.organization_id, evaluation=evaluation, criterion=row, reviewer=supervisor,
                verdict="agree",
            )
            for row in rows
        )  # fmt: skip
        Comment.objects.bulk_create(
            Comment(organization_id=session.organization_id, session=session, author=supervisor, text=f"{n}")
            for n in range(number)
        )

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    add_rows(100, 1)
    few = count()
    add_rows(200, 30)

    assert count() == few <= 30


def test_typed_line_of_a_call_is_said_to_be_typed_and_offers_no_sound(counselor, call):
    write_turns(call, "hello", "I can hear you")
    TranscriptTurn.objects.filter(role="counselor").update(source="typed", start_ms=1000, end_ms=1000)
    TranscriptTurn.objects.filter(role="caller").update(source="spoken", start_ms=2000, end_ms=3000)
    end_session(call, "hung_up")
    Recording.objects.create(
        session=call, organization_id=call.organization_id, state="completed", file="recordings/x.wav", duration_ms=9000
    )

    page = client_of(counselor).get(f"/sessions/{call.pk}/transcript/").content.decode()

    turns = page.split('<li class="turn')[1:]
    assert [("typed" in turn, "data-play-ms" in turn) for turn in turns] == [(False, True), (True, False)]
    assert "Typed lines count as long as it takes to say them." in page and ", 0%" not in page
