import pytest

from accounts.procedures.sections import (
    CitationIndex,
    IndexedSection,
    normalize_for_matching,
    parse_sections,
    rank_sections,
)

MANUAL = [
    "Contents\n6100 Asking about suicide ........ 2\n6200 Safety plan   3\n",
    "717 State Line\n6100 Asking about suicide\nWhen a caller loses hope, ask directly.\n1. Ask openly.\n"
    "2. Stay on the line.\n"
    "Follow up within\n24 hours after the call.\n",
    "6100 Asking about suicide\nNever ask so that the answer is no.\n6200 Safety plan\nWork out what helps, and who "
    "keeps the pills\nuntil morning.\nSection 6210: Means\nAsk what is within reach.\n",
]


def index_of(pages: list[str]) -> CitationIndex:
    sections = [
        IndexedSection(one.number, one.title, one.page, normalize_for_matching(f"{one.number}{one.title}{one.text}"))
        for one in parse_sections(pages)
    ]
    return CitationIndex([(number, normalize_for_matching(page)) for number, page in enumerate(pages, 1)], sections)


def test_parse_sections_skips_contents_and_steps():
    sections = [(one.number, one.title, one.page, one.last_page) for one in parse_sections(MANUAL)]

    assert sections == [
        ("717", "State Line", 2, 2),
        ("6100", "Asking about suicide", 2, 3),
        ("6200", "Safety plan", 3, 3),
        ("6210", "Means", 3, 3),
    ]


def test_repeated_heading_continues_section():
    section = parse_sections(MANUAL)[1]

    assert section.text.startswith("When a caller loses hope, ask directly.\n1. Ask openly.")
    assert section.text.endswith("24 hours after the call.\nNever ask so that the answer is no.")


def test_numbered_paragraph_is_titled_by_first_words():
    text = '## 3000 Asking\n\n3010 Ask directly. Do not hint.\n3020 In doubt, ask again: "Do you think of dying?"\n'

    assert [(one.number, one.title) for one in parse_sections([text], has_pages=False)] == [
        ("3000", "Asking"),
        ("3010", "Ask directly"),
        ("3020", "In doubt, ask again"),
    ]
    assert {one.page for one in parse_sections([text], has_pages=False)} == {None}


def test_text_without_numbered_headings_has_no_sections():
    assert parse_sections(["Be kind.\nListen first.\n"]) == []


def test_rank_sections_finds_matching_topics():
    sections = parse_sections(MANUAL)

    found = rank_sections("The caller has pills and no plan for how to be safe until morning.", sections)

    assert [one.number for one in found][0] == "6200"
    assert rank_sections("Weather and football", sections) == []


def test_citation_ignores_spaces_and_hyphens():
    index = index_of(MANUAL)

    found = index.find("work out WHAT helps, and who keeps the pills until mor-\nning")
    assert (found.section, found.title, found.page) == ("6200", "Safety plan", 3)
    assert index.find("Follow up within 24 hours after the call.").page == 2
    assert index.find("Follow up within 48 hours after the call.") is None
    assert index.find("ask") is None


def test_citation_prefers_named_section():
    pages = ["100 First\nStay with the caller, always.", "200 Second\nStay with the caller, always."]
    index = index_of(pages)

    assert (index.find("Stay with the caller, always.").section, index.find("Stay with the caller").page) == ("100", 1)
    citation = index.find("Stay with the caller, always.", "Section 200")
    assert (citation.section, citation.page) == ("200", 2)
    assert index.find("Stay with the caller, always.", "2000").section == "100"


def test_citation_across_pages_names_first_page():
    index = index_of(["100 First\nStay with the", "caller, always."])

    assert index.find("Stay with the caller, always.").page == 1


def test_headers_footers_and_page_numbers_are_no_part_of_sections():
    texts = ["Ask.", "Listen.", "Wait.", "Call."]
    pages = [
        f"717 Harbor State Line\n{number}.1 Rule\n{text}\nPage {number} of 4" for number, text in enumerate(texts, 1)
    ]

    sections = [(one.number, one.text) for one in parse_sections(pages)]

    assert sections == [("717", ""), *((f"{number}.1", text) for number, text in enumerate(texts, 1))]


def test_section_continues_after_footer_and_header():
    pages = ["6100 Asking\nAsk and\n1", "Harbor\nlisten.\n2", "Harbor\nWait.\n3", "Harbor\nCall.\n4"]

    assert [(one.number, one.text) for one in parse_sections(pages)] == [("6100", "Ask and\nlisten.\nWait.\nCall.")]


def test_title_below_its_number_is_found():
    text = "1.1\nGreeting\nSay the name.\n1.2.\nand no title\n\u00a7 2.1 Referral\nPart 3 Notes\nWrite."

    assert [(one.number, one.title) for one in parse_sections([text])] == [
        ("1.1", "Greeting"),
        ("2.1", "Referral"),
        ("3", "Notes"),
    ]


def test_contents_lines_are_found_in_linear_time():
    line = "1.1 Asking " + ". " * 200_000 + " " * 200_000

    assert len(parse_sections([line + "\n2.1 Asking . . . . 7\n2.2 Means     9\n2.3 Plan … 4\n3.1 Hold"])) == 1


@pytest.mark.parametrize(
    ("text", "number", "title"),
    [
        ("Section 1 - Greeting", "1", "Greeting"),
        ("1 \u2014 Greeting", "1", "Greeting"),
        ("Section 1\nGreeting", "1", "Greeting"),
        ("CHAPTER 2:\nSafety", "2", "Safety"),
        ("Policy No. 12 Safety", "12", "Safety"),
        ("1.1.Greeting", "1.1", "Greeting"),
        ("1.1\u00a0Greeting", "1.1", "Greeting"),
        ("1.1 \u201cSilent\u201d callers", "1.1", "\u201cSilent\u201d callers"),
        ("1.1 (Optional) Survey", "1.1", "(Optional) Survey"),
        ("3.1 What is a crisis?", "3.1", "What is a crisis?"),
        ("3.1 Greeting the caller:", "3.1", "Greeting the caller"),
        ("4.2 24-hour follow-up", "4.2", "24-hour follow-up"),
        ("4.2 988 transfers", "4.2", "988 transfers"),
        ("## **1.1 Greeting**", "1.1", "Greeting"),
        ("**1.1 Greeting**", "1.1", "Greeting"),
        ("1\\. Greeting", "1", "Greeting"),
        ("1.1 The counselor greets the caller.", "1.1", "The counselor greets the caller"),
    ],
)
def test_headings_are_found_in_each_style(text, number, title):
    sections = parse_sections([f"{text}\nSay your name."], has_pages=False)

    assert [(one.number, one.title) for one in sections] == [(number, title)]
    assert sections[0].text.endswith("Say your name.")


@pytest.mark.parametrize(
    "text",
    [
        "1. Ask openly.",
        "1. Is she safe?",
        "10:Title",
        "12.Title",
        "2.5mg",
        "4 24-hour",
        "1.1 (see above)",
        "Ask, see\n3.2 Safety.",
    ],
)
def test_other_lines_with_numbers_are_not_headings(text):
    assert parse_sections([text], has_pages=False) == []


@pytest.mark.parametrize("number", ["Section {}", "{}.1"])
def test_numbers_at_the_tops_of_pages_are_not_running_headers(number):
    titles = ["Greeting", "Safety", "Referral", "Ending"]
    pages = [f"{number.format(page)}\n{title}\nSay it.\nMore.\nEnd" for page, title in enumerate(titles, 1)]

    assert [one.title for one in parse_sections(pages)] == titles


def numbers_of(*pages: str) -> list[tuple[str, str]]:
    return [(one.number, one.text) for one in parse_sections(pages)]


@pytest.mark.parametrize(
    ("above", "section", "lines", "below"),
    [
        ("1 Scope", "1.1 Risk", ["1. Ask directly", "2. Stay on the line", "3. Call for help"], "1.2 Closing"),
        ("1.1 Scope", "1.2 Risk", ["1. Ask directly", "2. Stay on the line", "3. Call"], "2 Closing"),
        ("Introduction", "1 Risk", ["1. Ask directly", "2. Stay on the line", "3. Call for help"], "2 Closing"),
        ("1 Scope", "2 Risk", ["1. Ask directly", "2. Stay on the line"], "3 Closing"),
        ("6000 Scope", "6100 Risk", ["1. Ask directly", "2. Stay on the line"], "6200 Closing"),
        ("1 Scope", "1.1 Contacts", ["12 Oak Street", "988 Lifeline", "450 Main Avenue"], "1.2 Closing"),
        ("2 Aim", "3 Contacts", ["988 Lifeline", "12 Oak Street"], "4 Closing"),
    ],
)
def test_numbered_lines_inside_a_section_stay_there(above, section, lines, below):
    found = numbers_of("\n".join([above, "All calls.", section, *lines, below, "End."]))

    first = [(above.split()[0], "All calls.")] if above[0].isdigit() else []
    assert found == [*first, (section.split()[0], "\n".join(lines)), (below.split()[0], "End.")]


def test_chapter_after_steps_is_a_section():
    steps = "1. Ask directly\nand wait\n2. Stay on the line"
    found = numbers_of(f"2.1 Scope\nAll.\n2.2 Risk\n{steps}\n3 Ending\nText.\n3.1 Closing\nEnd.")

    assert found == [("2.1", "All."), ("2.2", steps), ("3", "Text."), ("3.1", "End.")]


@pytest.mark.parametrize("versions", ["1.0 First", "1.1 Second\n1.2 Third\n1.3 Fourth", "2.0 New\n2.1 Newer"])
@pytest.mark.parametrize("end", ["", "3.1 Details\nMore."])
def test_chapters_after_list_of_versions_are_sections(versions, end):
    found = numbers_of(f"Versions\n{versions}\n1 Purpose\nWhy.\n2 Scope\nAll.\n3 Risk\nAsk.\n{end}")

    assert {("1", "Why."), ("2", "All."), ("3", "Ask.")} <= set(found)


def test_chapters_after_title_with_account_number_are_sections():
    document = "717 State Line\n1 Opening\nGreet.\n2 Risk\nAsk.\n988 Lifeline\nTransfer."

    assert [number for number, _ in numbers_of(document)] == ["717", "1", "2", "988"]


def test_contents_do_not_turn_chapters_into_steps():
    contents = "Contents\n1 Opening 2\n1.1 Greeting 2\n2 Risk 3"

    assert numbers_of(contents, "1 Opening\nGreet.\n1.1 Greeting\nHello.", "2 Risk\nAsk.") == [
        ("1", "Greet."),
        ("1.1", "Hello."),
        ("2", "Ask."),
    ]


def test_two_line_contents_entry_is_not_a_section():
    contents = "1.1 Opening the call and telling the caller who\nis listening ........ 2\n1.2 Risk ........ 3"

    assert numbers_of(contents, "1.1 Opening the call\nGreet.", "1.2 Risk\nAsk.") == [
        ("1.1", "Greet."),
        ("1.2", "Ask."),
    ]


@pytest.mark.parametrize("numerals", [("I", "II", "III", "IV"), ("A", "B", "C", "D"), ("A.1", "A.2", "B", "B.1")])
@pytest.mark.parametrize("title", ["", "717 State Line\n"])
def test_roman_numerals_and_letters_are_section_numbers(numerals, title):
    contents = "".join(f"{numeral}. Part of {numeral} ........ 2\n" for numeral in numerals)
    body = "".join(f"{numeral}. Part of {numeral}\nText of {numeral}.\n" for numeral in numerals)

    assert numbers_of(title + contents, body) == [(numeral, f"Text of {numeral}.") for numeral in numerals]


@pytest.mark.parametrize(
    "text",
    [
        "A. Ask openly\nB. Stay on the line\nC. Call for help",
        "I. Ask openly.\nThen wait.\nII. Stay.\nWait.",
        "A. Smith wrote this\nin May.\nC. Jones\nread it.",
        "1.1 Risk\nA. Ask openly\nThen wait\nB. Stay\nWait",
    ],
)
def test_lists_and_names_are_not_an_outline(text):
    assert [number for number, _ in numbers_of(text) if number != "1.1"] == []


@pytest.mark.parametrize(
    "line",
    [
        "A4 paper is in the drawer",
        "A-4 paper is in the drawer",
        "B12 tablets are in the kit",
        "B-12 Tablets are in the kit",
        "B.3 Checklist",
    ],
)
def test_text_with_letter_and_digits_is_not_a_section(line):
    found = numbers_of(f"A. Opening\nGreet.\n{line}\nB. Safety\nAsk.\nB.1 Means\nListen.\nC. Closing\nBye.")

    assert found == [("A", f"Greet.\n{line}"), ("B", "Ask."), ("B.1", "Listen."), ("C", "Bye.")]


def test_numbers_below_a_letter_increase():
    found = numbers_of("A. Opening\nGreet.\nA.2 Name\nSay it.\nA.1 Welcome\nA.10 Line\nName it.\nB. Safety\nAsk.")

    assert found == [("A", "Greet."), ("A.2", "Say it.\nA.1 Welcome"), ("A.10", "Name it."), ("B", "Ask.")]


def test_repeated_number_below_a_letter_continues_its_section():
    assert numbers_of("A. Opening\nGreet.\nA.1 Name\nSay", "A.1 Name\nit.") == [("A", "Greet."), ("A.1", "Say\nit.")]


@pytest.mark.parametrize("numerals", [("I", "II"), ("A", "B"), ("A", "A.1", "B"), ("A.1", "B.1")])
@pytest.mark.parametrize("between", ["", "717 State Line\nProcedures\n"])
def test_contents_without_dots_are_not_sections(numerals, between):
    contents = "".join(f"{numeral}. Part {numeral} {page}\n" for page, numeral in enumerate(numerals, 2))
    body = "".join(f"{numeral}. Part {numeral}\nText of {numeral}.\n" for numeral in numerals)

    assert numbers_of(f"Contents\n{contents}", between + body) == [
        (numeral, f"Text of {numeral}.") for numeral in numerals
    ]


def test_repeated_first_letter_below_text_is_text():
    found = numbers_of("A. Opening\nGreet.\nA. Smith wrote this\nB. Safety\nAsk.\nA. Opening\nBye.")

    assert found == [("A", "Greet.\nA. Smith wrote this"), ("B", "Ask.\nA. Opening\nBye.")]


def test_any_space_separates_number_and_title():
    assert numbers_of("1.1\u2003Opening\nGreet.\n1.2\u3000Risk\nAsk.") == [("1.1", "Greet."), ("1.2", "Ask.")]
