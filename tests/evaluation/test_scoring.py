import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.grading.rubric import RED_LINE_CAP
from evaluation.grading.scoring import compute_score, grade_for, percent_met
from evaluation.models import CriterionResult

MET, NOT_MET, NOT_APPLICABLE = (
    CriterionResult.Verdict.MET,
    CriterionResult.Verdict.NOT_MET,
    CriterionResult.Verdict.NOT_APPLICABLE,
)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        ([(NOT_APPLICABLE, 3)], None),
        ([(MET, 0)], None),
        ([(MET, 1)], 100),
        ([(NOT_MET, 1)], 0),
        ([(MET, 2), (NOT_MET, 1)], 66),
        ([(MET, 1), (NOT_APPLICABLE, 5), (NOT_MET, 1)], 50),
        ([(MET, 29), (NOT_MET, 71)], 29),
        ([(MET, 57), (NOT_MET, 43)], 57),
    ],
)
def test_score_is_share_of_applicable_weight_rounded_down(verdicts, expected):
    assert percent_met(verdicts) == expected


@pytest.mark.parametrize(
    ("score", "grade"),
    [(100, "A"), (93, "A"), (92, "B"), (80, "B"), (79, "C"), (65, "C"), (64, "D"), (50, "D"), (49, "F"), (0, "F")],
)
def test_grade_for_each_threshold(score, grade):
    assert grade_for(score) == grade


@given(st.lists(st.tuples(st.sampled_from(CriterionResult.Verdict.values), st.integers(1, 5)), max_size=30))
def test_score_never_falls_with_another_check_met(verdicts):
    before = percent_met(verdicts)

    after = percent_met([*verdicts, (MET, 1)])

    assert after is not None and 0 <= after <= 100
    assert before is None or after >= before


def test_no_evidence_counts_as_not_met():
    assert percent_met([(MET, 1), (CriterionResult.Verdict.NO_EVIDENCE, 1)]) == 50


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([(MET, 3, False), (MET, 0, True)], (100, None)),
        ([(MET, 3, False), (NOT_MET, 0, True)], (RED_LINE_CAP, 100)),
        ([(MET, 1, False), (NOT_MET, 3, False), (NOT_MET, 0, True)], (25, None)),
        ([(MET, 3, False), (CriterionResult.Verdict.NO_EVIDENCE, 0, True)], (100, None)),
        ([(MET, 3, False), (NOT_APPLICABLE, 0, True)], (100, None)),
    ],
)
def test_crossed_red_line_caps_score(verdicts, expected):
    result = compute_score(verdicts)

    assert (result.score, result.capped_from) == expected
    assert compute_score([(NOT_APPLICABLE, 1, False), (NOT_MET, 0, True)]) is None


def test_capped_score_is_grade_f():
    assert grade_for(RED_LINE_CAP) == "F"
