"""Text of a document by page and section, stored for selection, suggestions, and citations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from accounts.models import Account, ProcedureDocument, ProcedurePage, ProcedureSection
from accounts.procedures.pdf_text import read_pdf
from accounts.procedures.reading_limits import PROCEDURES
from accounts.procedures.sections import (
    CitationIndex,
    IndexedSection,
    ParsedSection,
    normalize_for_matching,
    parse_sections,
    rank_sections,
)
from accounts.procedures.unread_parts import UnreadPart, list_unread_parts
from ai import InjectionSpan, find_injections, remove_injections

_QUERY_WORDS = 12  # words in `search_query`
_BATCH_SIZE = 500  # rows in one statement


@dataclass(frozen=True)
class DocumentText:
    """The text of a document, by page, with the injections it contains."""

    pages: list[str]  # plain text has one page
    injections: list[list[InjectionSpan]]  # one list per page
    unread: list[UnreadPart] = field(default_factory=list)

    @property
    def text_without_injections(self) -> str:
        """The whole text without the injections."""
        cleaned = (remove_injections(page, spans) for page, spans in zip(self.pages, self.injections, strict=True))
        return "\n\n".join(cleaned)

    @property
    def search_query(self) -> str:
        """Query for checking that a search finds the document."""
        return " ".join(re.findall(r"\w{2,}", self.text_without_injections)[:_QUERY_WORDS]) or "procedures"


def read_document(document: ProcedureDocument) -> DocumentText:
    """Return the text and the injections of a document. Raise PdfUnreadableError if its PDF cannot be read."""
    unread: list[UnreadPart] = []
    with document.file.open("rb") as file:
        if document.has_pages:
            pdf = read_pdf(file.file, PROCEDURES)
            pages, unread = pdf.pages, list_unread_parts(pdf.unread)
        else:
            pages = [file.read().decode("utf-8-sig", "replace").replace("\0", "")]
    return DocumentText(pages, [find_injections(page, is_document=True) for page in pages], unread)


def store_index(document: ProcedureDocument, text: DocumentText) -> None:
    """Store the pages and sections of a document once. Its file never changes."""
    if document.page_count is not None:
        return
    sections = parse_sections(text.pages, document.has_pages)
    instructions = [
        {"page": number if document.has_pages else None, "text": page[span.start : span.end].strip()[:500]}
        for number, (page, spans) in enumerate(zip(text.pages, text.injections, strict=True), 1)
        for span in spans
    ]
    shared_fields = {"document": document, "organization_id": document.organization_id}
    with transaction.atomic():
        rows = ProcedureDocument.objects.filter(pk=document.pk, page_count=None)
        if not rows.update(page_count=len(text.pages), instructions=instructions, unread=text.unread):
            document.refresh_from_db(fields=["page_count", "instructions"])
            return
        ProcedurePage.objects.bulk_create(
            (
                ProcedurePage(number=number, letters=normalize_for_matching(page), **shared_fields)
                for number, page in enumerate(text.pages, 1)
            ),
            batch_size=_BATCH_SIZE,
        )
        ProcedureSection.objects.bulk_create(
            (_build_section_row(position, section, shared_fields) for position, section in enumerate(sections)),
            batch_size=_BATCH_SIZE,
        )
    document.page_count, document.instructions, document.unread = len(text.pages), instructions, text.unread


def _build_section_row(position: int, section: ParsedSection, shared_fields: dict[str, object]) -> ProcedureSection:
    return ProcedureSection(
        position=position,
        number=section.number,
        title=section.title,
        text=section.text,
        letters=normalize_for_matching(f"{section.number} {section.title} {section.text}"),
        page=section.page,
        last_page=section.last_page,
        **shared_fields,
    )


def to_parsed_sections(rows: Sequence[ProcedureSection]) -> list[ParsedSection]:
    return [ParsedSection(row.number, row.title, row.text, row.page, row.last_page) for row in rows]


def build_citation_index(document: ProcedureDocument) -> CitationIndex:
    """Build the index for looking up quotes from a document."""
    pages = document.pages.values_list("number", "letters")
    sections = document.sections.values_list("number", "title", "page", "letters")
    return CitationIndex(
        [(number if document.has_pages else None, letters) for number, letters in pages],
        [IndexedSection(*section) for section in sections],
    )


def suggest_sections(account: Account, text: str) -> list[ProcedureSection]:
    """Return the active sections that best match the text, best match first."""
    rows = list(ProcedureSection.objects.active_for(account).defer("letters"))
    by_number = {row.number: row for row in rows}
    return [by_number[section.number] for section in rank_sections(text, to_parsed_sections(rows))]
