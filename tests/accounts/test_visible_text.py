import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.web.visible_text import clean_filename, clear_unseen, is_blank, remove_unseen, strip_blank
from tests.support.fixtures import client_of
from training.models import TranscriptTurn

UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u00a0", "\u200e", "\u202e", "\u3164", "\u2800", "\ufe0f"]


@pytest.mark.parametrize("unseen", UNSEEN)
def test_unseen_text_is_blank(unseen):
    assert is_blank(f" {unseen}\n{unseen}")
    assert strip_blank(f"{unseen} a{unseen}b {unseen}".replace("\ufe0f", "")).strip("\u00a0")[0] == "a"


def test_seen_text_is_kept():
    assert [is_blank(text) for text in ("a", "0", "é", "🙂", "-")] == [False] * 5
    assert strip_blank("❤️") == "❤️"
    assert (clear_unseen("  "), clear_unseen("\u200b"), clear_unseen("a\u200b")) == ("  ", "", "a\u200b")
    assert remove_unseen("n\u200big\u00adht") == "night"


@given(st.text())
def test_stripping_twice_changes_nothing(text):
    assert strip_blank(strip_blank(text)) == strip_blank(text)
    assert (strip_blank(text) == "") == is_blank(text)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("report\u202efdp.exe", "reportfdp.exe"),
        ("..\\a\\b\u200e.pdf", "b.pdf"),
        ("/etc/x\r\ny.csv", "xy.csv"),
        ("n" * 300 + ".pdf", "n" * 196 + ".pdf"),
        ("Ünïcode name.md", "Ünïcode name.md"),
    ],
)
def test_filename_keeps_no_marks_and_its_suffix(name, cleaned):
    assert clean_filename(name) == cleaned


def test_page_and_api_refuse_messages_that_look_empty(chat, counselor):
    client = client_of(counselor)

    api = client.post(
        f"/api/sessions/{chat.pk}/messages/", {"content": "\u200b\u2060"}, content_type="application/json"
    )

    assert (api.status_code, "content" in api.content.decode()) == (400, True)
    assert not TranscriptTurn.objects.filter(session=chat, role="counselor").exists()


def test_admin_refuses_names_that_look_empty(admin):
    response = client_of(admin).post("/admin/scenarios/category/add/", {"name": "\u200b"})

    assert response.status_code == 200
    assert "This field is required." in response.content.decode()
