"""Program that extracts the text of an untrusted PDF. `pdf_text.py` runs it in a separate process.

Usage: `python -I pdf_sandbox.py [front] <max pages> <max characters> <CPU seconds>`. It reads the PDF from stdin and
writes JSON to stdout: the page texts and lists of what could not be read, or the reason why the PDF was rejected.
From the project, it imports only the modules that do this work.
"""

import io
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":  # isolated mode leaves the project off the path
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from accounts.procedures import pdf_page_reader
from accounts.procedures.pdf_layout import join_hyphenated
from accounts.procedures.pdf_page_reader import PageReading
from accounts.procedures.pdf_visibility import find_hidden_layers

if TYPE_CHECKING:
    import pypdfium2
    from pypdf import PageObject, PdfReader

MEMORY_LIMIT = 512 * 1024**2  # bytes of address space; importing the libraries takes less than half of it
MAX_STREAM_BYTES = 25_000_000  # bytes that one compressed stream may unpack to
MAX_FIRST_PAGES = 20  # pages searched for any text in `front` mode
FRONT_PAGES = 3  # pages with text in `front` mode
UNPACKING_SECONDS = 2.0  # CPU seconds for checking that the other pages can be unpacked
HEADER, HEADER_WITHIN = b"%PDF-", 1024  # readers accept other bytes before the header


class PdfRejectedError(Exception):
    """Rejection of a PDF. The text is a `kind` of `pdf_text.PdfUnreadableError`."""


def main() -> None:
    *mode, max_pages, max_characters, seconds = sys.argv[1:]
    apply_resource_limits(int(seconds))
    try:
        result = read_document(sys.stdin.buffer.read(), int(max_pages), int(max_characters), mode == ["front"])
    except PdfRejectedError as error:
        result = {"refused": str(error)}
    sys.stdout.buffer.write(json.dumps(result, ensure_ascii=False).encode())


def apply_resource_limits(seconds: int) -> None:
    """Limit memory, CPU time in seconds, and core dumps of this process.

    The parent cannot do it: between fork and exec of a threaded parent, Python code could deadlock.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    # The parent enforces the wall-clock limit. This one ends the process if the parent is gone.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # the sandbox writes no files


def read_document(data: bytes, max_pages: int, max_characters: int, is_front: bool = False) -> dict[str, Any]:
    """Return the text of each page, or of the first pages only with `is_front`, and the parts that could not be read.

    Raise PdfRejectedError.
    """
    import pypdf.errors  # noqa: PLC0415  # import only under the resource limits

    data = data[max(data.find(HEADER, 0, HEADER_WITHIN + len(HEADER)), 0) :]
    limits = pypdf.Configuration(
        maximum_declared_stream_length=MAX_STREAM_BYTES,
        array_based_stream_maximum_output_length=MAX_STREAM_BYTES,
        zlib_maximum_output_length=MAX_STREAM_BYTES,
        # pypdf retries broken streams byte by byte, in Python.
        zlib_maximum_recovery_input_length=500_000,
        lzw_maximum_output_length=MAX_STREAM_BYTES,
        run_length_maximum_output_length=MAX_STREAM_BYTES,
        brotli_maximum_output_length=MAX_STREAM_BYTES,
        image_maximum_buffer_size=MAX_STREAM_BYTES,
        stream_decoding_work_maximum_length=4 * MAX_STREAM_BYTES,
        jbig2dec_binary=None,
    )
    try:
        with pypdf.apply_configuration(limits):
            document = pypdf.PdfReader(io.BytesIO(data))
            if len(document.pages) > max_pages:
                raise PdfRejectedError("too_many_pages")
            pages = PageTexts(document, open_for_layout(data))
            texts = read_first_pages(pages) if is_front else read_all_pages(pages, max_characters)
            unread: dict[str, Any] = {**pages.unread, **find_unread_parts(document), **pages.counts}
            return {"pages": join_hyphenated(texts), "unread": unread}
    except PdfRejectedError:
        raise
    except (pypdf.errors.FileNotDecryptedError, pypdf.errors.DependencyError) as error:
        raise PdfRejectedError("locked") from error
    except (pypdf.errors.LimitReachedError, MemoryError) as error:
        raise PdfRejectedError("too_large") from error
    except Exception as error:  # pypdf raises many other types on damaged files
        raise PdfRejectedError("damaged") from error


def open_for_layout(data: bytes) -> "pypdfium2.PdfDocument | None":
    """Open the PDF with PDFium. Return None if PDFium cannot read it."""
    import pypdfium2  # noqa: PLC0415  # import only under the resource limits

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return None


class PageTexts:
    """Page texts in reading order, and the numbers of pages with parts that could not be read."""

    def __init__(self, document: "PdfReader", layout: "pypdfium2.PdfDocument | None") -> None:
        self.document = document
        self.layout = layout
        # page numbers, from 1
        self.unread: dict[str, list[int]] = {"pictures": [], "order": [], "hidden": [], "garbled": []}
        self.counts = Counter({"fields": 0, "comments": 0, "stamps": 0})
        self._hidden_layers = find_hidden_layers(document)

    def __iter__(self) -> Iterator[str]:
        for index in range(len(self.document.pages)):
            yield remove_unstorable_characters(self._read(index))

    def _read(self, index: int) -> str:
        page = self.document.pages[index]
        fields, broken = pdf_page_reader.read_fields(page)
        self.counts["fields"] += broken
        self.counts.update(pdf_page_reader.count_annotations(page))
        ordered = self._read_in_order(index, fields)
        plain = self._read_plainly(page, is_required=ordered is None)
        if ordered is None:
            text, is_plain = plain, True
        else:
            text, is_plain = pdf_page_reader.choose_fuller(ordered.text, plain, ordered.hidden)
        if is_plain and plain.strip():
            self.unread["order"].append(index + 1)
        return "\n".join([text, *(field.text for field in fields)]) if is_plain else text

    def _read_in_order(self, index: int, fields: list[pdf_page_reader.Word]) -> PageReading | None:
        """Return the reading in order, or None if PDFium cannot read the page."""
        import pypdfium2  # noqa: PLC0415  # import only under the resource limits

        if self.layout is None or index >= len(self.layout):
            return None
        try:
            page = self.layout[index]
        except pypdfium2.PdfiumError:
            return None
        if pdf_page_reader.has_large_picture(page):
            self.unread["pictures"].append(index + 1)
        reading = pdf_page_reader.read_page(page, fields, self._hidden_layers)
        page.close()
        if reading.hidden.strip():
            self.unread["hidden"].append(index + 1)
        if reading.is_garbled:
            self.unread["garbled"].append(index + 1)
        return reading

    @staticmethod
    def _read_plainly(page: "PageObject", is_required: bool) -> str:
        """Return the text as pypdf reads it. PDFium can read some pages that pypdf cannot."""
        import pypdf.errors  # noqa: PLC0415  # import only under the resource limits

        try:
            return page.extract_text()
        except (pypdf.errors.LimitReachedError, pypdf.errors.DependencyError, MemoryError):
            raise
        except Exception:  # pypdf raises many types on damaged pages
            if is_required:
                raise
            return ""


def read_first_pages(texts: PageTexts) -> list[str]:
    """Return the text of the first pages, up to and including the third page with text.

    The other pages are unpacked for up to UNPACKING_SECONDS, so that decompression bombs hit the limits here.
    """
    pages: list[str] = []
    for text in texts:
        pages.append(text)
        if len(pages) == MAX_FIRST_PAGES or sum(bool(page.strip()) for page in pages) == FRONT_PAGES:
            break
    deadline = time.process_time() + UNPACKING_SECONDS
    for page in texts.document.pages:
        if time.process_time() > deadline:
            break
        if contents := page.get_contents():
            contents.get_data()
    return pages


def read_all_pages(texts: PageTexts, max_characters: int) -> list[str]:
    """Return the text of every page. Raise PdfRejectedError above `max_characters` in total."""
    pages = []
    for text in texts:
        pages.append(text)
        max_characters -= len(text)
        if max_characters < 0:
            raise PdfRejectedError("too_much_text")
    return pages


def find_unread_parts(document: "PdfReader") -> dict[str, int]:
    """Return the number of attached files, and 1 for `xfa` if only the program that made a form can show it."""
    form = document.root_object.get("/AcroForm")
    form = form.get_object() if form is not None else None
    is_xfa = isinstance(form, dict) and "/XFA" in form and not form.get("/Fields")
    return {"attachments": len(list(document.attachment_list)), "xfa": int(is_xfa)}


def remove_unstorable_characters(text: str) -> str:
    """Return the text without NUL and lone surrogates, which no database stores. Surrogate pairs are joined."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


if __name__ == "__main__":
    main()
