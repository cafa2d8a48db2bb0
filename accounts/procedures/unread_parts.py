"""Parts of an uploaded document that were not read, and explanations for the reader."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.procedures.pdf_text import UnreadParts


class UnreadPart(TypedDict):
    """One kind of part that was not read, as stored."""

    kind: str  # a key of `_EXPLANATIONS`
    count: int
    pages: list[int]  # from 1; empty in documents without pages


_MAX_PAGES_NAMED = 20  # pages named in one sentence


def list_unread_parts(unread: UnreadParts) -> list[UnreadPart]:
    """Return the kinds of parts of a PDF that were not read."""
    parts = [
        UnreadPart(kind="picture_pages", count=len(unread["pictures"]), pages=unread["pictures"]),
        UnreadPart(kind="order", count=len(unread["order"]), pages=unread["order"]),
        UnreadPart(kind="hidden", count=len(unread["hidden"]), pages=unread["hidden"]),
        UnreadPart(kind="garbled", count=len(unread["garbled"]), pages=unread["garbled"]),
        UnreadPart(kind="comment", count=unread["comments"], pages=[]),
        UnreadPart(kind="stamp", count=unread["stamps"], pages=[]),
        UnreadPart(kind="attachment", count=unread["attachments"], pages=[]),
        UnreadPart(kind="field", count=unread["fields"], pages=[]),
        UnreadPart(kind="xfa", count=unread["xfa"], pages=[]),
    ]
    return [part for part in parts if part["count"]]


def explain_unread_parts(parts: Sequence[UnreadPart]) -> list[str]:
    """Return one sentence for each kind of part that was not read, in the reader's language."""
    return [_EXPLANATIONS[part["kind"]](part["count"]) % _numbers(part) for part in parts]


def _numbers(part: UnreadPart) -> Mapping[str, object]:
    named = ", ".join(str(page) for page in part["pages"][:_MAX_PAGES_NAMED])
    return {"count": part["count"], "pages": f"{named} …" if len(part["pages"]) > _MAX_PAGES_NAMED else named}


_EXPLANATIONS: dict[str, Callable[[int], str]] = {
    "picture_pages": lambda count: ngettext(
        "Page %(pages)s has a large picture. We can’t read words in pictures.",
        "Pages %(pages)s have large pictures. We can’t read words in pictures.",
        count,
    ),
    "order": lambda count: ngettext(
        "The text of page %(pages)s may be out of order.", "The text of pages %(pages)s may be out of order.", count
    ),
    "hidden": lambda count: ngettext(
        "Page %(pages)s has text that is not visible. It was left out.",
        "Pages %(pages)s have text that is not visible. It was left out.",
        count,
    ),
    "garbled": lambda count: ngettext(
        "Some characters on page %(pages)s could not be identified, so words may be wrong. Run text recognition "
        "(OCR) on it, or export it again.",
        "Some characters on pages %(pages)s could not be identified, so words may be wrong. Run text recognition "
        "(OCR) on it, or export it again.",
        count,
    ),
    "stamp": lambda count: ngettext(
        "%(count)d stamp or signature was not read.", "%(count)d stamps or signatures were not read.", count
    ),
    "attachment": lambda count: ngettext(
        "%(count)d attached file was not read.", "%(count)d attached files were not read.", count
    ),
    "field": lambda count: ngettext(
        "%(count)d form field was not read.", "%(count)d form fields were not read.", count
    ),
    "xfa": lambda count: _(
        "Only the program that created this form can display it, so the entries were not read. "
        "Print the form to a PDF and upload that."
    ),
    "picture": lambda count: ngettext(
        "%(count)d picture was not read.", "%(count)d pictures were not read.", count
    ),
    "drawing": lambda count: ngettext(
        "%(count)d chart or diagram was not read.", "%(count)d charts or diagrams were not read.", count
    ),
    "object": lambda count: ngettext(
        "%(count)d embedded file was not read.", "%(count)d embedded files were not read.", count
    ),
    "symbol": lambda count: ngettext(
        "%(count)d character in a symbol font was not read.",
        "%(count)d characters in symbol fonts were not read.",
        count,
    ),
    "number": lambda count: ngettext(
        "%(count)d automatic number was not read.", "%(count)d automatic numbers were not read.", count
    ),
    "part": lambda count: ngettext(
        "%(count)d part of the document comes from another file and was not read.",
        "%(count)d parts of the document come from another file and were not read.",
        count,
    ),
    "comment": lambda count: ngettext(
        "%(count)d comment was left out.", "%(count)d comments were left out.", count
    ),
}  # fmt: skip
