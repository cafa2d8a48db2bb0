from hypothesis import given
from hypothesis import strategies as st

from evaluation.reports.agreement import build_agreement_table, compute_agreement


def pairs(**counts: int) -> list[tuple[str, str]]:
    """Build verdict pairs from counts. `met_not=3` means three pairs of "met" (evaluator) and "not met" (person)."""
    names = {"met": "met", "not": "not_met", "na": "not_applicable"}
    verdict_pairs = []
    for name, count in counts.items():
        ours, theirs = name.split("_")
        verdict_pairs += [(names[ours], names[theirs])] * count
    return verdict_pairs


def test_compute_agreement_matches_worked_example():
    # 50 subjects, two raters, yes/yes 20, yes/no 5, no/yes 10, no/no 15: po = 0.70, pe = 0.50.
    agreement = compute_agreement(pairs(met_met=20, met_not=5, not_met=10, not_not=15))

    assert (agreement.n, round(agreement.raw, 3), round(agreement.kappa, 3), round(agreement.base_rate, 3)) == (
        50,
        0.7,
        0.4,
        0.6,
    )
    # The standard error for this table by the formula of Fleiss, Cohen, and Everitt is 0.1271.
    assert (round(agreement.low, 3), round(agreement.high, 3)) == (0.151, 0.649)


def test_kappa_is_one_for_perfect_agreement_and_negative_for_opposite():
    assert compute_agreement(pairs(met_met=3, not_not=3)).kappa == 1
    assert compute_agreement(pairs(met_not=3, not_met=3)).kappa == -1


def test_kappa_is_none_if_all_verdicts_are_equal():
    agreement = compute_agreement(pairs(met_met=9))

    assert (agreement.raw, agreement.kappa, agreement.low, agreement.high) == (1, None, None, None)


def test_compute_agreement_returns_none_without_verdicts():
    assert compute_agreement([]) is None
    assert build_agreement_table([], {}) == []


def test_agreement_table_sorts_by_kappa_and_ends_with_total():
    verdicts = [("a", "met", "met"), ("a", "not_met", "not_met"), ("b", "met", "not_met"), ("b", "not_met", "met")]
    verdicts += [("c", "met", "met")]

    rows = build_agreement_table(verdicts, {"a": "Asks"})

    assert [(row.key, row.name, row.agreement.n) for row in rows] == [
        ("b", "b", 2),
        ("a", "Asks", 2),
        ("c", "c", 1),
        ("", "All criteria", 5),
    ]


verdict = st.sampled_from(["met", "not_met", "not_applicable"])


@given(st.lists(st.tuples(verdict, verdict), min_size=1, max_size=60))
def test_kappa_lies_within_its_interval(verdict_pairs):
    agreement = compute_agreement(verdict_pairs)

    assert 0 <= agreement.raw <= 1 and 0 <= agreement.base_rate <= 1
    if agreement.kappa is not None:
        assert -1 <= agreement.low <= agreement.kappa + 1e-9 and agreement.kappa - 1e-9 <= agreement.high <= 1
        assert agreement.kappa <= agreement.raw + 1e-9
