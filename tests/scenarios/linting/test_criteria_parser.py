import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.linting.context_lines import read_lines
from scenarios.linting.context_sections import split_sections
from scenarios.linting.context_wording import SectionKind, Wording, classify_heading, judge_line
from scenarios.linting.criteria_parser import MAX_CRITERIA, parse_evaluator_context

BODY = {
    "facts": "- Lost the shop in May\n  - Two kids\n",
    "tasks": "1. Asks directly about suicide\n   - without a leading negative\n2. Names one person to call\n",
}
TASKS = ["Asks directly about suicide: without a leading negative", "Names one person to call"]
SHAPES = {
    "hashes": "## {}\n",
    "closed hashes": "## {} ##\n",
    "bold": "**{}**\n",
    "bold with a colon": "**{}:**\n",
    "double line": "{}\n======\n",
    "single line": "{}\n------\n",
    "colon": "{}:\n",
    "bare": "{}\n",
    "bare with a blank line": "{}\n\n",
    "roman": "II. {}\n",
    "part": "Part 2: {}\n",
}


def texts(context: str) -> list[str]:
    return [point.text for point in parse_evaluator_context(context).points]


def left_out(context: str) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in parse_evaluator_context(context).left_out]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("facts", ["About the caller", "Background", "Presenting problem", "History", "Client details"])
def test_heading_of_any_shape_tells_points_from_facts(shape, facts):
    context = f"{shape.format(facts)}{BODY['facts']}\n{shape.format('What the counselor should do')}{BODY['tasks']}"

    assert texts(context) == TASKS
    assert [text for _line, text in left_out(context)] == ["Lost the shop in May", "Two kids"]


@pytest.mark.parametrize(
    "tasks", ["EXPECTED", "ASSESS", "GOALS FOR THE COUNSELOR", "EVALUATION CRITERIA", "THE COUNSELOR MUST", "LOOK FOR:"]
)
def test_heading_in_capitals_is_a_heading(tasks):
    assert texts(f"PRESENTING PROBLEM\n{BODY['facts']}{tasks}\n{BODY['tasks']}") == TASKS


@pytest.mark.parametrize(
    ("first", "second"),
    [("1. {}\n", "2. {}\n"), ("1) {}\n", "2) {}\n"), ("I. {}\n", "II. {}\n"), ("A. {}\n", "B. {}\n")],
)
def test_numbered_heading_is_a_heading(first, second):
    context = f"{first.format('Presenting problem')}- Lost the shop\n{second.format('Expected')}- Asks why\n- Waits\n"

    assert texts(context) == ["Asks why", "Waits"]
    assert left_out(context) == [(2, "Lost the shop")]


def test_item_with_nested_items_is_a_heading():
    context = (
        "- Background:\n  - Lost the shop\n- What the counselor should do:\n  - Asks why\n    - at once\n  - Waits\n"
    )

    assert texts(context) == ["Asks why: at once", "Waits"]


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        (
            SectionKind.FACTS,
            "About him|Caller background|The situation|How the caller reacts to the counselor|Expected LOC",
        ),
        (SectionKind.CRITERIA, "Skills (evaluate these)|Supporting the caller|Must do|Expected outcomes|Key actions"),
        (SectionKind.MISTAKES, "Red flags|Common mistakes"),
        (SectionKind.NOTES, "Notes for the evaluator|Grader guidance|Notes"),
        (None, "Other|Rapport"),
    ],
)
def test_heading_is_classified_by_its_subject(kind, headings):
    assert {heading: classify_heading(heading) for heading in headings.split("|")} == dict.fromkeys(
        headings.split("|"), kind
    )


@pytest.mark.parametrize("heading", ["Red flags", "Notes for the evaluator"])
def test_red_flags_and_notes_are_no_checks(heading):
    context = f"{heading}\n- The counselor must not promise secrecy\n\nGoals\n- Waits\n"

    assert texts(context) == ["Waits"]
    assert heading in str(parse_evaluator_context(context).left_out[0].reason)


@pytest.mark.parametrize(
    "nested",
    [
        "- Asks why\n  - gently\n  - once\n- Waits",
        "- Asks why\n\t* gently\n\t* once\n- Waits",
        "1. Asks why\n- gently\n- once\n2. Waits",
        "1. Asks why\n   a. gently\n   b. once\n2. Waits",
        "1. Asks why\n1.1 gently\n1.2 once\n2. Waits",
        "• Asks why\no\tgently\no\tonce\n• Waits",
        "• Asks why\n◦ gently\n◦ once\n• Waits",
        "(1) Asks why\n    (a) gently\n    (b) once\n(2) Waits",
        "1. Asks why\n\n   - gently\n\n   - once\n\n2. Waits",
        "- [ ] Asks why\n  - [ ] gently\n  - [ ] once\n- [x] Waits",
    ],
)
def test_nested_items_refine_the_point_above(nested):
    assert texts(nested) == ["Asks why: gently; once", "Waits"]


def test_items_of_other_markers_on_one_level_are_points():
    assert texts("- Asks.\n* Listens.\n• Waits.\n– Greets.") == ["Asks.", "Listens.", "Waits.", "Greets."]


@pytest.mark.parametrize(
    ("wording", "lines"),
    [
        (
            Wording.ACTION,
            "Asks about means|Gently redirects the caller|Avoids advice|Offering a referral|A plan is agreed",
        ),
        (
            Wording.ACTION,
            "The counselor sums up|Did the counselor ask twice?|A survey should be offered|Do not moralize",
        ),
        (Wording.FACT, "Lost her job in March|He drinks at night|41 years old|No prior attempts|Wife left in May"),
        (Wording.FACT, "The caller lives alone|Her mother is ill|Age: 41|Recently divorced|Marco has two kids"),
        (Wording.UNCLEAR, "Rapport|Active listening|Kitchen table"),
    ],
)
def test_line_is_judged_by_its_wording(wording, lines):
    assert {line: judge_line(line) for line in lines.split("|")} == dict.fromkeys(lines.split("|"), wording)


def test_lines_without_headings_are_judged_by_their_wording():
    context = "- Lost his job in March\n- Asks directly about suicide\n- Has two kids\n- Rapport\n"

    assert texts(context) == ["Asks directly about suicide", "Rapport"]
    assert left_out(context) == [(1, "Lost his job in March"), (3, "Has two kids")]


def test_duty_below_facts_is_a_point():
    context = "Background\n- Has pills at home\n  - The counselor should ask where they are\n\nGoals\n- Waits\n"

    assert texts(context) == ["The counselor should ask where they are", "Waits"]


def test_item_below_avoid_keeps_its_meaning():
    assert texts("Avoid:\n- Leading questions\n\nMust:\n- Waits") == ["Avoid: Leading questions", "Waits"]


def test_prose_below_headings_is_read_line_by_line():
    context = "# Background\nDana lost her shop.\n\n# Criteria\nAsks directly about\nsuicide.\nNames one person."

    assert texts(context) == ["Asks directly about suicide.", "Names one person."]


def test_wrapped_item_is_read_whole():
    assert texts("- Asks whether the\n  caller is alone\n- Waits") == ["Asks whether the caller is alone", "Waits"]


def test_thirty_points_are_all_taken_and_later_ones_named():
    points = [f"Asks about matter {number}" for number in range(MAX_CRITERIA + 5)]

    assert texts("\n".join(f"- {point}" for point in points[:30])) == points[:30]
    parsed = parse_evaluator_context("\n".join(f"- {point}" for point in points))
    assert [point.text for point in parsed.points] == points[:MAX_CRITERIA]
    assert [one.text for one in parsed.left_out] == points[MAX_CRITERIA:]


def test_text_that_does_not_fit_is_named():
    context = "- Asks\n" + "".join(f"  - {'why ' * 50}{number}\n" for number in range(6)) + f"- {'very ' * 300}much\n"

    parsed = parse_evaluator_context(context)

    assert [len(point.text) <= 1000 for point in parsed.points] == [True, True]
    assert [(one.line, one.text[-5:]) for one in parsed.left_out] == [(6, "why 4"), (7, "why 5"), (8, " much")]


PIECES = st.lists(
    st.sampled_from(
        ["Background", "Goals:", "## Rapport", "**Must**", "- Asks why", "  - gently", "1. Waits", "a. now", "b. then"]
        + [
            "NOTES",
            "",
            "====",
            "The caller is 41.",
            "Ask twice",
            "o\tonce",
            "1.1 Names it",
            "Other",
            "2) Expected",
            "\tx",
        ]
    ),
    max_size=12,
)


@given(PIECES)
def test_no_line_is_lost(pieces):
    context = "\n".join(pieces)

    parsed = parse_evaluator_context(context)

    kept = " ".join([point.text for point in parsed.points] + [one.text for one in parsed.left_out])
    headings = [section.heading for section in split_sections(read_lines(context))]
    lines = [line.text for line in read_lines(context) if line.text not in headings]
    assert [text for text in lines if text.rstrip(" :;,.") not in kept] == []


@pytest.mark.parametrize("marks", [("1.", "2.", "3."), ("I.", "II.", "III."), ("A.", "B.", "C.")])
@pytest.mark.parametrize("nested", ["   - {}\n", "- {}\n"])
@pytest.mark.parametrize("facts", ["Background", "Presenting problem", "Notes for the evaluator"])
def test_topic_or_point_after_numbered_facts_is_not_below_them(marks, nested, facts):
    def listed(*items: str) -> str:
        return "".join(nested.format(item) for item in items)

    topics = (
        f"{marks[0]} {facts}\n{listed('Lost the shop')}{marks[1]} Rapport\n{listed('Greets warmly', 'Uses the name')}"
    )
    topics += f"{marks[2]} Closing\n{listed('Thanks the caller', 'Agrees on a time')}"
    points = f"{marks[0]} {facts}\n{listed('Lost the shop')}{marks[1]} Asks about suicide\n   - means\n"

    assert texts(topics) == ["Greets warmly", "Uses the name", "Thanks the caller", "Agrees on a time"]
    assert texts(points) == ["Asks about suicide: means"]
    assert left_out(topics) == left_out(points) == [(2, "Lost the shop")]


@pytest.mark.parametrize("word", ["competencies", "responsibilities", "duties", "performance", "checklist"])
def test_heading_that_names_the_counselor_is_a_heading(word):
    assert texts(f"I. Background\n- Lost the shop\nII. Counselor {word}\n- Direct question\n- Warm tone\n") == [
        "Direct question",
        "Warm tone",
    ]


def test_labeled_line_does_not_continue_a_long_line():
    context = (
        "Situation: laid off last week, and sleeping on the couch of a brother\n"
        "Counselor goals: build rapport; ask about suicide; agree on a next step\n"
        "Avoid: minimizing; rushing\n"
    )

    assert texts(context) == [
        "build rapport",
        "ask about suicide",
        "agree on a next step",
        "Avoid: minimizing",
        "Avoid: rushing",
    ]


def test_sentences_that_name_a_duty_are_points():
    context = (
        "Marcus is a 19-year-old student. The counselor should: ask about suicide and about means. "
        "The counselor should not lecture him. He will deny it at first. The counselor must agree on a plan."
    )

    assert texts(context) == [
        "ask about suicide and about means.",
        "The counselor should not lecture him.",
        "The counselor must agree on a plan.",
    ]
    assert [text for _line, text in left_out(context)] == [
        "Marcus is a 19-year-old student.",
        "He will deny it at first.",
    ]


@pytest.mark.parametrize("mark", ["⭐ ", "➡️ ", "👍🏽 ", "📌 ", "1️⃣ "])
def test_emoji_is_a_list_marker(mark):
    context = f"About the caller\n{mark}Lost the shop\nWhat the counselor should do\n{mark}Warm greeting\n{mark}Waits\n"

    assert texts(context) == ["Warm greeting", "Waits"]
    assert left_out(context) == [(2, "Lost the shop")]


def test_table_without_outer_bars_is_read():
    table = "Criteria | Yes | No\n--- | :--: | ---\nAsks about risk | |\nThanks the caller | |\n"

    assert texts(table) == ["Asks about risk", "Thanks the caller"]


def test_action_after_topic_is_a_point():
    assert texts("Skill\tWhat the counselor does\nRapport\tGreets warmly\nRisk\tAsks about suicide\n") == [
        "Rapport: Greets warmly",
        "Risk: Asks about suicide",
    ]
