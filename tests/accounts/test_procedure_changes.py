"""Differences between two versions of a procedure document."""

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import ProcedureDocument, ProcedureSection
from accounts.procedures import changes
from accounts.procedures.changes import list_changes
from accounts.procedures.uploads import upload_procedures
from tests.support.fixtures import client_of

LONG = " ".join(f"word{number}" for number in range(100))


@pytest.fixture
def documents(account, supervisor) -> tuple[ProcedureDocument, ProcedureDocument]:
    """Return a new and an old document without sections."""
    old, new = (
        upload_procedures(account, SimpleUploadedFile(name, b"For line 717"), supervisor) for name in ("a.md", "b.md")
    )
    ProcedureDocument.objects.filter(pk=new.pk).update(replaced=old)
    return new, old


def write(document: ProcedureDocument, *sections: tuple[str, str, str]) -> None:
    for position, (number, title, text) in enumerate(sections):
        ProcedureSection.objects.create(
            organization=document.organization,
            document=document,
            position=position,
            number=number,
            title=title,
            text=text,
        )


def test_changes_name_what_is_new_changed_and_gone(documents):
    new, old = documents
    write(old, ("1", "Opening", "Greet."), ("2", "Asking", "Ask  gently."), ("3", "Closing", "Hang up."))
    write(new, ("1", "Opening", "Greet."), ("2", "Asking", "Ask directly."), ("4", "Follow-up", "Call back."))

    found = [(one.kind, one.number, [(part.kind, part.text) for part in one.parts]) for one in list_changes(new, old)]

    assert found == [
        ("changed", "2", [("same", "Ask"), ("del", "gently."), ("ins", "directly.")]),
        ("added", "4", [("ins", "Call back.")]),
        ("removed", "3", [("del", "Hang up.")]),
    ]


def test_different_line_breaks_are_no_change(documents):
    new, old = documents
    write(old, ("1", "Opening", "Greet and\nlisten."))
    write(new, ("1", "Opening", "Greet and listen."))

    assert list_changes(new, old) == []


def test_only_words_near_a_change_are_repeated(documents):
    new, old = documents
    write(old, ("1", "Opening", f"{LONG} gently {LONG}"))
    write(new, ("1", "Opening", f"{LONG} directly {LONG}"))

    [change] = list_changes(new, old)

    before, _gone, _new, after = (part.text.split() for part in change.parts)
    assert (before[0], before[-1], len(before)) == ("…", "word99", 13)
    assert (after[0], after[-1], len(after)) == ("word0", "…", 13)


def test_long_sections_are_compared_by_line_and_longer_ones_as_a_whole(documents, monkeypatch):
    new, old = documents
    write(old, ("1", "Opening", "a b\nc d\ne f"))
    write(new, ("1", "Opening", "a b\nc x\ne f"))

    monkeypatch.setattr(changes, "MAX_PIECES", 3)
    by_line = list_changes(new, old)[0].parts
    monkeypatch.setattr(changes, "MAX_PIECES", 2)
    whole = list_changes(new, old)[0].parts

    assert [(part.kind, part.text) for part in by_line] == [
        ("same", "a b"), ("del", "c d"), ("ins", "c x"), ("same", "e f"),
    ]  # fmt: skip
    assert [part.kind for part in whole] == ["del", "ins"]


def test_page_shows_the_changes_to_those_who_may_read_the_account(documents, account, trainer, stranger):
    new, old = documents
    write(old, ("2", "Asking", "Ask gently."))
    write(new, ("2", "Asking", "Ask directly."))
    path = f"/accounts/{account.pk}/procedures/{new.pk}/changes/"

    page = html.unescape(client_of(trainer).get(path).content.decode())

    assert "<del>gently.</del>" in page and "<ins>directly.</ins>" in page
    assert "b.md" in page and "compared with a.md." in page
    assert client_of(stranger).get(path).status_code == 404
    assert client_of(trainer).get(f"/accounts/{account.pk}/procedures/{old.pk}/changes/").status_code == 404
