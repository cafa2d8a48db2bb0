import pytest

from evaluation.models import CriterionResult
from evaluation.rubric import general_checks, scenario_checks

pytestmark = pytest.mark.once


def test_general_checks_have_keys_of_their_own_and_weights():
    checks = general_checks()

    assert len({check.key for check in checks}) == len(checks) == 12
    assert all(1 <= check.weight <= 3 for check in checks)
    assert [check.key for check in checks if not check.needs_quote] == ["boundaries"]


@pytest.mark.parametrize(
    ("context", "points"),
    [
        ("", []),
        ("  \n ", []),
        ("One thought\nover two lines.", ["One thought over two lines."]),
        (
            "Notes first.\n- Asks.\n* Listens. \n• Waits.\n1. Greets.\n12) Closes.",
            "Asks.|Listens.|Waits.|Greets.|Closes.",
        ),
        ("-no space\n2024. A year", ["-no space 2024. A year"]),
        ("- a\r\n- b", ["a", "b"]),
    ],
)
def test_scenario_checks_are_the_points_of_the_authors_list(context, points):
    checks = scenario_checks(context)

    assert [check.text for check in checks] == (points.split("|") if isinstance(points, str) else points)
    assert all(check.source == CriterionResult.Source.SCENARIO for check in checks)


def test_scenario_checks_are_at_most_twenty():
    assert len(scenario_checks("\n".join(f"- point {n}" for n in range(30)))) == 20
