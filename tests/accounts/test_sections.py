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
