import pytest

from scenarios.messages import Message
from scenarios.packs.columns import (
    COLUMNS,
    MAX_UNKNOWN_COLUMNS,
    TooManyUnknownColumnsError,
    UnknownColumns,
    canonical_column,
    describe_unstorable_text,
    normalize_value,
)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("evaluatorContext", "evaluator_context"),
        ("evaluator_context", "evaluator_context"),
        (" Evaluator Context ", "evaluator_context"),
        ("EVALUATOR-CONTEXT", "evaluator_context"),
        ("relevantPolicySections", "relevant_policy_sections"),
        ("isOneTime", "is_one_time"),
        ("isActive", "is_active"),
        ("estimatedMinutes", "estimated_minutes"),
        ("Title", "title"),
        ("heading", ""),
        ("", ""),
    ],
)
def test_canonical_column_accepts_any_spelling(spelled, name):
    assert canonical_column(spelled) == name


def test_canonical_column_keeps_own_names():
    assert [canonical_column(name) for name in COLUMNS] == list(COLUMNS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("evaluator_contxt", "evaluator_context"),
        ("promt", "prompt"),
        ("Skill", "skills"),
        ("isOnetimes", "is_one_time"),
        ("created_at", ""),
        ("id", ""),
        ("notes", ""),
    ],
)
def test_closest_column_finds_misspellings_only(name, expected):
    unknown_columns = UnknownColumns()

    assert unknown_columns.closest_column(name) == expected
    assert unknown_columns.ignored_columns == (set() if expected else {name})


def test_ignored_names_are_shortened_and_cleaned():
    unknown_columns = UnknownColumns()

    unknown_columns.closest_column("x\0\ud800" + "y" * 500)

    assert unknown_columns.ignored_columns == {"x\ufffd\ufffd" + "y" * 57 + "…"}


def test_unknown_names_are_limited():
    unknown_columns = UnknownColumns()
    for number in range(MAX_UNKNOWN_COLUMNS):
        unknown_columns.closest_column(f"column {number}")

    unknown_columns.closest_column("column 0")
    with pytest.raises(TooManyUnknownColumnsError, match="more than 100 unknown columns"):
        unknown_columns.closest_column("one more")


NUL_CHARACTER = "The text contains a NUL character, which can’t be stored. Remove it."
INCOMPLETE_CHARACTER = "The text contains an incomplete character (%(character)s), which can’t be stored. Remove it."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\u2028b \ufeff 🙂\x01", None),
        ("a\0", Message(NUL_CHARACTER)),
        ("\ud83d", Message(INCOMPLETE_CHARACTER, {"character": "\\ud83d"})),
    ],
)
def test_describe_unstorable_text_returns_reason(text, problem):
    assert describe_unstorable_text(text) == problem


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("title", "  A call \r\n", "A call"),
        ("prompt", "  one\r\ntwo\rthree\n ", "  one\ntwo\rthree\n "),
        ("skills", ["a\r\nb", " c"], ["a\nb", " c"]),
        ("is_active", False, False),
        ("estimated_minutes", 0, 0),
    ],
)
def test_normalize_value_changes_only_line_ends_and_titles(name, value, expected):
    assert normalize_value(name, value) == expected
