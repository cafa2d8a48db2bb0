"""Run by pdf_text.py as a program of its own: a PDF on stdin, its text or why there is none as JSON on stdout.

`python -I pdf_child.py [front] <most pages> <most characters> <CPU seconds>`. It imports nothing of ours.
"""

import io
import json
import resource
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdf import PdfReader

MEMORY = 512 * 1024**2  # bytes of address space; importing pypdf takes less than half of it
LARGEST_PART = 25_000_000  # bytes that one compressed part may unpack to
FRONT_PAGES = 20  # so many pages are read in the search for any text
FRONT_UNPACKING = 2.0  # seconds for looking whether the other pages unpack


class Refused(Exception):
    """A kind of pdf_text's refusals."""


def main() -> None:
    *mode, most_pages, most_characters, seconds = sys.argv[1:]
    limit_this_process(int(seconds))
    try:
        pages = read(sys.stdin.buffer.read(), int(most_pages), int(most_characters), mode == ["front"])
        answer: dict[str, object] = {"pages": pages}
    except Refused as refused:
        answer = {"refused": str(refused)}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode())


def limit_this_process(seconds: int) -> None:
    """Set from within: between fork and exec of a threaded parent, Python code could deadlock."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # The parent watches the clock; this ends us where the parent is gone.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(data: bytes, most_pages: int, most_characters: int, is_front: bool = False) -> list[str]:
    import pypdf.errors  # noqa: PLC0415  # after the limits are set

    limits = pypdf.Configuration(
        maximum_declared_stream_length=LARGEST_PART,
        array_based_stream_maximum_output_length=LARGEST_PART,
        zlib_maximum_output_length=LARGEST_PART,
        # What cannot be unpacked is tried again byte by byte, in Python.
        zlib_maximum_recovery_input_length=500_000,
        lzw_maximum_output_length=LARGEST_PART,
        run_length_maximum_output_length=LARGEST_PART,
        brotli_maximum_output_length=LARGEST_PART,
        image_maximum_buffer_size=LARGEST_PART,
        stream_decoding_work_maximum_length=4 * LARGEST_PART,
        jbig2dec_binary=None,
    )
    try:
        with pypdf.apply_configuration(limits):
            document = pypdf.PdfReader(io.BytesIO(data))
            if len(document.pages) > most_pages:
                raise Refused("too_many_pages")
            return read_front(document) if is_front else read_pages(document, most_characters)
    except Refused:
        raise
    except (pypdf.errors.FileNotDecryptedError, pypdf.errors.DependencyError) as error:
        raise Refused("locked") from error
    except (pypdf.errors.LimitReachedError, MemoryError) as error:
        raise Refused("too_large") from error
    except Exception as error:  # a broken file surprises pypdf in many ways
        raise Refused("damaged") from error


def read_front(document: "PdfReader") -> list[str]:
    """The first pages, up to one with text. The others are unpacked as long as there is time, so that bombs go off."""
    pages: list[str] = []
    for page in document.pages[:FRONT_PAGES]:
        pages.append(clean(page.extract_text()))
        if pages[-1].strip():
            break
    until = time.monotonic() + FRONT_UNPACKING
    for page in document.pages:
        if time.monotonic() > until:
            break
        if contents := page.get_contents():
            contents.get_data()
    return pages


def read_pages(document: "PdfReader", most_characters: int) -> list[str]:
    pages = []
    for page in document.pages:
        pages.append(clean(page.extract_text()))
        most_characters -= len(pages[-1])
        if most_characters < 0:
            raise Refused("too_much_text")
    return pages


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which no database keeps; two halves of one character are joined."""
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


if __name__ == "__main__":
    main()
