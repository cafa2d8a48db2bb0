import pytest

from scenarios.linting.context_lines import read_lines
from scenarios.linting.criteria_parser import parse_evaluator_context
from scenarios.models.scenario_checks import propose_checks

ASK, PLAN = "Asks directly about suicide", "Makes a safety plan"
FACTS = "About the caller\n- Lost the shop\n"


def texts(context: str) -> list[str]:
    return [point.text for point in parse_evaluator_context(context).points]


def left_out(context: str) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in parse_evaluator_context(context).left_out]


@pytest.mark.parametrize("line", ["```", "**", "__", "`", "- **", "# **", "1. `", "\u200b", "> **", "&nbsp;", "<br>"])
def test_line_without_words_is_blank(line):
    assert texts(f"Goals\n{line}\n- {ASK}\n{line}\n- {PLAN}\n{line}") == [ASK, PLAN]
    assert texts(f"{line}\n{line}") == []


@pytest.mark.parametrize(
    "context",
    [
        f"<h2>About the caller</h2>\n<ul>\n<li>Lost the shop</li>\n</ul>\n<h2>The counselor should</h2>\n"
        f"<ul><li>{ASK}</li><li>{PLAN}</li></ul>",
        f"<p><b>Background:</b> Lost the shop.</p><p><strong>Counselor should:</strong></p>"
        f'<ol class="x"><li><span>{ASK}</span></li><li>{PLAN}</li></ol>',
        f"About the caller:<br>- Lost the shop<br>What the counselor should do:<br/>- {ASK}<br />- {PLAN}",
        f"<table><tr><th>Criterion</th><th>No.</th></tr><tr><td>{ASK}</td><td>1</td></tr>"
        f"<tr><td>{PLAN}</td><td>2</td></tr></table>",
    ],
)
def test_pasted_html_is_read_as_shown(context):
    assert texts(context) == [ASK, PLAN]


def test_nested_html_lists_and_entities():
    context = "<ul><li>Asks &amp; waits<ul><li>once</li></ul></li><li>Says &quot;I&#39;m here&quot;</li></ul>"

    assert texts(context) == ["Asks & waits: once", 'Says "I\'m here"']


@pytest.mark.parametrize(
    "context",
    [
        f"| # | Criterion |\n|---|:--|\n| 1 | {ASK} |\n| 2 | {PLAN} |",
        f"Criterion\tMet?\n{ASK}\tyes\n{PLAN}\tno",
        f"| Caller facts | Counselor should |\n|---|---|\n| Lost the shop | {ASK} |\n| Two kids | {PLAN} |",
        f"{FACTS}| Field | Value |\n|---|---|\n| Age | 41 |\n\n## Goals\n| Behavior |\n|---|\n| {ASK} |\n| {PLAN} |",
    ],
)
def test_rows_of_table_are_points(context):
    assert texts(context) == [ASK, PLAN]


def test_written_weight_becomes_weight():
    table = f"| Criterion | Weight |\n|---|---|\n| {ASK} | 1 |\n| Greets | 3 |"

    assert [(check["text"], check["weight"]) for check in propose_checks(table)] == [(ASK, 1), ("Greets", 3)]
    assert [
        (check["text"], check["weight"]) for check in propose_checks("- Waits (weight: 3)\n- Greets [5 points]")
    ] == [
        ("Waits", 3),
        ("Greets [5 points]", 2),
    ]


@pytest.mark.parametrize(
    "context",
    [
        f"1. {ASK} 2. {PLAN}",
        f"Goals: 1) {ASK} 2) {PLAN}",
        f"• {ASK} • {PLAN}",
        f"{ASK}; {PLAN}",
        f"What the counselor should do: {ASK}; {PLAN}",
        f"About the caller: lost the shop. What the counselor should do: {ASK}; {PLAN}",
    ],
)
def test_list_on_one_line_is_a_list(context):
    assert texts(context) == [ASK, PLAN]


@pytest.mark.parametrize(
    "item",
    ["1.{}|2.{}", "1){}|2){}", "-{}|-{}", "•{}|•{}", "☐ {}|☑ {}", "✅ {}|✅{}", "□ {}|□ {}", "· {}|▪ {}", "+ {}|— {}"]
    + [
        "① {}|② {}",
        "１．{}|２．{}",
        "#1 {}|#2 {}",
        "-> {}|-> {}",
        "👉 {}|👉 {}",
        "🔹{}|🔹{}",
        "▪ {}|■ {}",
        "§\t{}|§\t{}",
    ]
    + [
        "Criterion 1 - {}|Criterion 2 - {}",
        "Goal 1: {}|Goal 2: {}",
        "*\u00a0{}|\u00a0•\u00a0{}",
        "\u2003• {}|\u2003• {}",
    ],
)
def test_item_marks_of_all_kinds(item):
    first, second = item.split("|")

    assert texts(f"{FACTS}Expected\n{first.format(ASK)}\n{second.format(PLAN)}\n") == [ASK, PLAN]


@pytest.mark.parametrize("flat", ["• {}\no\t{}\n§\t{}", "● {}\n○ {}\n■ {}", "• {}\n◦ {}\n▪ {}"])
def test_three_levels_that_lost_their_indent(flat):
    assert texts(flat.format("Asks", "why", "once")) == ["Asks: why; once"]


def test_cross_beside_check_mark_means_do_not():
    assert texts("✅ Waits\n❌ Argues\n✓ Asks\n✗ Lectures") == ["Waits", "Do not: Argues", "Asks", "Do not: Lectures"]


def test_figures_and_rules_are_not_items():
    assert [line.marker for line in read_lines("-5 degrees\n3.A\n8.30am")] == ["", "number", ""]


@pytest.mark.parametrize(
    "heading", ["Never", "Do not", "Must not", "Avoid", "Don’ts", "What not to do", "Refrain from"]
)
def test_item_below_a_prohibition_keeps_its_meaning(heading):
    assert texts(f"{heading}\n- Arguing with the caller\n\nAlways\n- {ASK}") == [
        f"{heading}: Arguing with the caller",
        ASK,
    ]


@pytest.mark.parametrize(
    "heading", ["Fail criteria", "Automatic fail", "Unacceptable", "Points off", "Poor performance"]
)
def test_fail_criteria_are_not_checks(heading):
    assert texts(f"{heading}\n- Hangs up\n\nPass criteria\n- {ASK}") == [ASK]


@pytest.mark.parametrize(
    ("facts", "tasks"),
    [
        ("Who is the caller?", "What should the counselor do?"),
        ("About the caller.", "What the counselor should do."),
        ("I. Background", "II. Expected"),
        ("Antecedentes", "Lo que debe hacer el consejero"),
        ("Sobre la llamante", "Criterios"),
        ("Über die Anruferin", "Was die Beraterin tun soll"),
        ("À propos de l'appelant", "Ce que le conseiller doit faire"),
    ],
)
def test_headings_as_questions_with_roman_numerals_and_in_other_languages(facts, tasks):
    context = f"{facts}\nA. Zwei Kinder\nB. 34\n{tasks}\nA. {ASK}\nB. {PLAN}"

    assert texts(context) == [ASK, PLAN]
    assert left_out(context) == [(2, "Zwei Kinder"), (3, "34")]


def test_sentences_about_the_caller_are_left_out_of_prose():
    context = (
        f"Maria is 34 and lost her job. The counselor should ask why. They should wait. She lives alone.\n\n{PLAN}."
    )

    assert texts(context) == ["The counselor should ask why. They should wait.", f"{PLAN}."]
    assert left_out(context) == [(1, "Maria is 34 and lost her job."), (1, "She lives alone.")]


def test_what_the_caller_is_offered_is_done_by_the_counselor():
    assert texts("- Caller is asked about suicide\n- Caller is a nurse\n- The caller was asked to leave home") == [
        "Caller is asked about suicide"
    ]


def test_repeated_point_is_graded_once():
    context = f"Goals\n- {ASK}\n- {PLAN}\n- {ASK.upper()}."

    assert texts(context) == [ASK, PLAN]
    [repeated] = parse_evaluator_context(context).left_out
    assert (repeated.line, str(repeated.reason)) == (4, "Line 2 says the same. Each point is graded once.")


def test_heading_without_items_is_a_point():
    assert texts("Goals\n## Assess lethality\n## Assess means\n## Close") == [
        "Assess lethality",
        "Assess means",
        "Close",
    ]
