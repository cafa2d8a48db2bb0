"""Lists of addresses as people paste them."""

import pytest

from accounts.services.address_lists import read_addresses


def found(text: str) -> list[tuple[str, str]]:
    return [(entry.email, entry.name) for entry in read_addresses(text)]


@pytest.mark.parametrize(
    "text",
    [
        "a@x.org\nb@x.org\nc@x.org",
        "a@x.org, b@x.org, c@x.org",
        "a@x.org; b@x.org;c@x.org;",
        "a@x.org\tb@x.org | c@x.org",
        "a@x.org b@x.org  c@x.org",
        "<a@x.org>,<mailto:b@x.org> (c@x.org)",
        "\r\n* A@X.org\r\n\r\n* b@x.org\r\n* c@x.org.\r\n",
    ],
)
def test_any_separator_is_understood(text):
    assert [email for email, _name in found(text)] == ["a@x.org", "b@x.org", "c@x.org"]


@pytest.mark.parametrize(
    "text",
    [
        "Leo Marsh <leo@x.org>",
        '"Leo Marsh" <leo@x.org>',
        "Leo Marsh\tleo@x.org",
        "Leo Marsh, leo@x.org",
        "Leo Marsh leo@x.org",
        "Marsh, Leo <leo@x.org>",
        "leo@x.org (Leo Marsh)",
    ],
)
def test_name_beside_an_address_is_kept(text):
    assert found(text) == [("leo@x.org", "Leo Marsh")]


def test_recipients_of_a_mail_program_stay_apart():
    assert found("Leo Marsh <leo@x.org> Ana Reyes <ana@x.org>; kim@x.org") == [
        ("leo@x.org", "Leo Marsh"),
        ("ana@x.org", "Ana Reyes"),
        ("kim@x.org", ""),
    ]


def test_text_without_an_address_is_not_lost():
    entries = read_addresses("Name, Email\nleo@x.org\nAna Reyes")

    assert [(entry.text, entry.email) for entry in entries] == [
        ("Name, Email", ""),
        ("leo@x.org", "leo@x.org"),
        ("Ana Reyes", ""),
    ]
