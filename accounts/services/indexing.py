"""A document's text, page by page and section by section, kept here for picking, suggesting and citing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Account, ProcedureDocument, ProcedurePage, ProcedureSection
from accounts.pdf_text import read_pdf
from accounts.sections import Index, Lettered, Section, sections_of, squeezed, suggest
from accounts.services.intake import MOST_PAGES
from ai import Span, find_instructions, without_instructions

_MOST_CHARACTERS = 20_000_000
_READING = 60.0  # seconds for a PDF
_PROBE_WORDS = 12
_AT_ONCE = 500  # rows in one statement


@dataclass(frozen=True)
class DocumentText:
    """What a document says, by page, and what in it speaks to a machine."""

    pages: list[str]
    instructions: list[list[Span]]

    @property
    def harmless(self) -> str:
        """All of it, without the words that speak to a machine."""
        cleaned = (without_instructions(page, spans) for page, spans in zip(self.pages, self.instructions, strict=True))
        return "\n\n".join(cleaned)

    @property
    def probe(self) -> str:
        """Words that a search must find in it."""
        return " ".join(re.findall(r"\w{2,}", self.harmless)[:_PROBE_WORDS]) or "procedures"


def read_document(document: ProcedureDocument) -> DocumentText:
    """Raises PdfUnreadable."""
    with document.file.open("rb") as file:
        if document.has_pages:
            read = read_pdf(file.file, most_pages=MOST_PAGES, most_characters=_MOST_CHARACTERS, seconds=_READING)
            pages = read.pages
        else:
            pages = [file.read().decode("utf-8-sig", "replace").replace("\0", "")]
    return DocumentText(pages, [find_instructions(page, is_document=True) for page in pages])


def store_index(document: ProcedureDocument, text: DocumentText) -> None:
    """Keep the pages and sections of a document, once: its file never changes."""
    if document.page_count is not None:
        return
    sections = sections_of(text.pages, document.has_pages)
    instructions = [
        {"page": number if document.has_pages else None, "text": page[span.start : span.end].strip()[:500]}
        for number, (page, spans) in enumerate(zip(text.pages, text.instructions, strict=True), 1)
        for span in spans
    ]
    owner = {"document": document, "organization_id": document.organization_id}
    with transaction.atomic():
        rows = ProcedureDocument.objects.filter(pk=document.pk, page_count=None)
        if not rows.update(page_count=len(text.pages), instructions=instructions):
            document.refresh_from_db(fields=["page_count", "instructions"])
            return
        ProcedurePage.objects.bulk_create(
            (
                ProcedurePage(number=number, letters=squeezed(page), **owner)
                for number, page in enumerate(text.pages, 1)
            ),
            batch_size=_AT_ONCE,
        )
        ProcedureSection.objects.bulk_create(
            (_row(position, section, owner) for position, section in enumerate(sections)), batch_size=_AT_ONCE
        )
    document.page_count, document.instructions = len(text.pages), instructions


def _row(position: int, section: Section, owner: dict[str, object]) -> ProcedureSection:
    return ProcedureSection(
        position=position,
        number=section.number,
        title=section.title,
        text=section.text,
        letters=squeezed(f"{section.number} {section.title} {section.text}"),
        page=section.page,
        last_page=section.last_page,
        **owner,
    )


def sections_in(rows: Sequence[ProcedureSection]) -> list[Section]:
    return [Section(row.number, row.title, row.text, row.page, row.last_page) for row in rows]


def index_of(document: ProcedureDocument) -> Index:
    """What cited words are looked up in."""
    pages = document.pages.values_list("number", "letters")
    sections = document.sections.values_list("number", "title", "page", "letters")
    return Index(
        [(number if document.has_pages else None, letters) for number, letters in pages],
        [Lettered(*section) for section in sections],
    )


def suggest_sections(account: Account, text: str) -> list[ProcedureSection]:
    """The sections in force that speak of what the text speaks of, best first."""
    rows = list(ProcedureSection.objects.in_force(account).defer("letters"))
    by_number = {row.number: row for row in rows}
    return [by_number[one.number] for one in suggest(text, sections_in(rows))]
