import pytest

from evaluation.grading.rubric import BRANCHES, RED_LINE_MESSAGES, general_checks, scenario_checks
from evaluation.grading.rubric_messages import RUBRIC_MESSAGES
from evaluation.models import CriterionResult
from scenarios.models.scenario_checks import propose_checks


def test_general_checks_have_unique_keys_and_weights():
    checks = general_checks()

    assert len({check.key for check in checks}) == len(checks)
    assert {check.branch for check in checks} == set(BRANCHES)
    assert all(1 <= check.weight <= 3 for check in checks if not check.red_line)


def test_red_lines_have_no_weight_and_need_no_quote():
    lines = {check.key: check for check in general_checks() if check.red_line}

    assert {key: check.red_line for key, check in lines.items()} == {
        "takes_up_disclosure": "omission",
        "no_leading_negative": "commission",
        "no_method_information": "commission",
        "no_abandonment": "omission",
    }
    assert {(check.weight, check.needs_quote) for check in lines.values()} == {(0, False)}


def test_general_checks_without_document_exclude_procedures():
    excluded = {check.key for check in general_checks()} - {check.key for check in general_checks(has_procedures=False)}

    assert excluded == {"follows_procedures"}


@pytest.mark.parametrize(
    ("context", "texts"),
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
def test_scenario_checks_follow_authors_list(context, texts):
    checks = scenario_checks(propose_checks(context))

    assert [check.text for check in checks] == (texts.split("|") if isinstance(texts, str) else texts)
    assert all(check.source == CriterionResult.Source.SCENARIO for check in checks)


def test_scenario_checks_take_thirty_points():
    assert len(scenario_checks(propose_checks("\n".join(f"- point {n}" for n in range(30))))) == 30


def test_rubric_messages_match_rubric():
    messages = [*BRANCHES.values(), *(check.text for check in general_checks()), *RED_LINE_MESSAGES.values()]

    assert sorted(RUBRIC_MESSAGES) == sorted(messages)
