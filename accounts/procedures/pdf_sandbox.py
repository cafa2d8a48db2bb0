"""Program that extracts the text of an untrusted PDF. `pdf_text.py` runs it in a separate process.

Usage: `python -I pdf_sandbox.py [front] <max pages> <max characters> <CPU seconds>`. It reads the PDF from stdin and
writes JSON to stdout: the page texts, or the reason why the PDF was rejected. It imports nothing else from the project.
"""

import io
import json
import resource
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdf import PdfReader

MEMORY_LIMIT = 512 * 1024**2  # bytes of address space; importing pypdf takes less than half of it
MAX_STREAM_BYTES = 25_000_000  # bytes that one compressed stream may unpack to
MAX_FIRST_PAGES = 20  # pages searched for any text in `front` mode
UNPACKING_SECONDS = 2.0  # seconds for checking that the other pages can be unpacked


class PdfRejectedError(Exception):
    """Rejection of a PDF. The text is a `kind` of `pdf_text.PdfUnreadableError`."""


def main() -> None:
    *mode, max_pages, max_characters, seconds = sys.argv[1:]
    apply_resource_limits(int(seconds))
    try:
        pages = extract_pages(sys.stdin.buffer.read(), int(max_pages), int(max_characters), mode == ["front"])
        result: dict[str, object] = {"pages": pages}
    except PdfRejectedError as error:
        result = {"refused": str(error)}
    sys.stdout.buffer.write(json.dumps(result, ensure_ascii=False).encode())


def apply_resource_limits(seconds: int) -> None:
    """Limit memory, CPU time in seconds, and core dumps of this process.

    The parent cannot do it: between fork and exec of a threaded parent, Python code could deadlock.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    # The parent enforces the wall-clock limit. This one ends the process if the parent is gone.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def extract_pages(data: bytes, max_pages: int, max_characters: int, is_front: bool = False) -> list[str]:
    """Return the text of each page, or of the first pages only with `is_front`. Raise PdfRejectedError."""
    import pypdf.errors  # noqa: PLC0415  # import only under the resource limits

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
            return extract_first_pages(document) if is_front else extract_all_pages(document, max_characters)
    except PdfRejectedError:
        raise
    except (pypdf.errors.FileNotDecryptedError, pypdf.errors.DependencyError) as error:
        raise PdfRejectedError("locked") from error
    except (pypdf.errors.LimitReachedError, MemoryError) as error:
        raise PdfRejectedError("too_large") from error
    except Exception as error:  # pypdf raises many other types on damaged files
        raise PdfRejectedError("damaged") from error


def extract_first_pages(document: "PdfReader") -> list[str]:
    """Return the text of the first pages, up to and including the first page with text.

    The other pages are unpacked for up to UNPACKING_SECONDS, so that decompression bombs hit the limits here.
    """
    pages: list[str] = []
    for page in document.pages[:MAX_FIRST_PAGES]:
        pages.append(remove_unstorable_characters(page.extract_text()))
        if pages[-1].strip():
            break
    deadline = time.monotonic() + UNPACKING_SECONDS
    for page in document.pages:
        if time.monotonic() > deadline:
            break
        if contents := page.get_contents():
            contents.get_data()
    return pages


def extract_all_pages(document: "PdfReader", max_characters: int) -> list[str]:
    """Return the text of every page. Raise PdfRejectedError above `max_characters` in total."""
    pages = []
    for page in document.pages:
        pages.append(remove_unstorable_characters(page.extract_text()))
        max_characters -= len(pages[-1])
        if max_characters < 0:
            raise PdfRejectedError("too_much_text")
    return pages


def remove_unstorable_characters(text: str) -> str:
    """Return the text without NUL and lone surrogates, which no database stores. Surrogate pairs are joined."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


if __name__ == "__main__":
    main()
