import io
import os
import signal
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

from accounts.procedures import pdf_sandbox
from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_sandbox import remove_unstorable_characters
from accounts.procedures.pdf_text import PdfUnreadableError, read_pdf
from accounts.procedures.reading_limits import ReadingLimits

CONTENT = b"BT /F1 12 Tf 72 700 Td (I called twice) Tj 0 -20 Td (and nobody rang back) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
FLATE = b"/Filter /FlateDecode"


def pdf_of(*objects: bytes) -> bytes:
    """Return a PDF made of `objects`. The first one is the catalog."""
    pdf, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(pdf))
    return pdf + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)


def pages_pdf(
    *contents: bytes, entries: bytes = b"", font: bytes = FONT, extra_objects: tuple[bytes, ...] = ()
) -> bytes:
    """Return a PDF with one page for each content stream. `extra_objects` are numbered from 4."""
    first = 4 + len(extra_objects)
    kids = b" ".join(b"%d 0 R" % (first + 2 * index) for index in range(len(contents)))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(contents))]
    objects += [font, *extra_objects]
    for index, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> /XObject << /Im1 4 0 R >> >> >>" % (first + 2 * index + 1)
        )
        objects.append(stream(content, entries))
    return pdf_of(*objects)


def deflated(block: bytes, times: int) -> bytes:
    """Return `block` repeated `times` times as a zlib stream.

    The block is compressed only once and the result repeated, because compressing 400 MB takes 4 s.
    """
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    piece = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(times):
        checksum = zlib.adler32(block, checksum)
    return b"\x78\xda" + piece * times + compressor.flush() + checksum.to_bytes(4, "big")


def megabytes_of_spaces(count: int) -> bytes:
    return deflated(b" " * 1_000_000, count)


def pdf_bytes(writer: PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def encrypted(user: str, owner: str, algorithm: str = "AES-256") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pages_pdf(CONTENT)))
    writer.encrypt(user, owner, algorithm=algorithm)
    return pdf_bytes(writer)


TEXT = pages_pdf(CONTENT)
SLOW = pages_pdf(deflated(b"(a) Tj " * 150_000, 6), entries=FLATE)  # takes several seconds to read
PICTURE = stream(
    b"\x80", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
)


def child_process_ids() -> set[str]:
    """Return the IDs of this process's child processes, including zombies."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended in the meantime
            continue
        if int(fields[1]) == os.getpid():
            found.add(stat.parent.name)
    return found


@pytest.fixture(autouse=True)
def no_leftover_children():
    if not Path("/proc/self/stat").exists():
        yield
        return
    before = child_process_ids()

    yield

    assert child_process_ids() - before == set()


LIMITS = ReadingLimits(max_bytes=10**7, max_pages=500, max_characters=2_000_000, cpu_seconds=10)


def read_error(data: bytes, **limits) -> PdfUnreadableError:
    with pytest.raises(PdfUnreadableError) as error:
        read_pdf(data, replace(LIMITS, **limits))
    return error.value


def test_read_pdf_returns_page_texts_in_order():
    data = pages_pdf(CONTENT, b"", b"BT /F1 12 Tf 72 700 Td (Second letter) Tj ET")

    read = read_pdf(data, LIMITS)

    assert read.pages == ["I called twice\nand nobody rang back", "", "Second letter"]
    assert read.text == "I called twice\nand nobody rang back\n\nSecond letter"


def test_read_pdf_starts_at_file_position():
    file = io.BytesIO(b"before" + TEXT)
    file.seek(6)

    read = read_pdf(file, LIMITS)

    assert read.text == "I called twice\nand nobody rang back"


def test_encrypted_pdf_without_password_is_read():
    read = read_pdf(encrypted(user="", owner="only for changing it"), LIMITS)

    assert read.text == "I called twice\nand nobody rang back"


def test_read_pdf_accepts_exactly_the_limits():
    data = pages_pdf(*[b"BT /F1 12 Tf 72 700 Td (abcde) Tj ET"] * 3)

    read = read_pdf(data, replace(LIMITS, max_pages=3, max_characters=15))

    assert read.pages == ["abcde"] * 3


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "not_pdf"),
        (b"Dear Sir", "not_pdf"),
        (b" " * 1025 + TEXT, "not_pdf"),
        (b"%PDF-", "damaged"),
        (b"%PDF-1.7\nDear Sir, this is no PDF at all\n", "damaged"),
        (TEXT[: len(TEXT) // 2], "damaged"),
        (pdf_of(b"<< /Type /Catalog >>"), "damaged"),
        (pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"), "damaged"),
        (encrypted("secret", "secret"), "locked"),
        (encrypted("secret", "secret", "RC4-128"), "locked"),
        (pdf_bytes(PdfWriter()), "no_pages"),
        (pages_pdf(b"q 100 0 0 100 0 0 cm /Im1 Do Q", extra_objects=(PICTURE,)), "no_text"),
        (pages_pdf(b"BT /F1 12 Tf (  ) Tj ET"), "no_text"),
        (pages_pdf(megabytes_of_spaces(30), entries=FLATE), "too_large"),
        (
            pages_pdf(
                CONTENT,
                font=FONT[:-2] + b"/ToUnicode 4 0 R >>",
                extra_objects=(stream(megabytes_of_spaces(300), FLATE),),
            ),
            "too_large",
        ),
    ],
    ids=[
        "empty",
        "plain text",
        "header too late",
        "header only",
        "header and plain text",
        "cut off",
        "no page tree",
        "circular page tree",
        "password AES",
        "password RC4",
        "no pages",
        "picture only",
        "blanks only",
        "bomb in a page",
        "bomb in a font",
    ],
)
def test_unreadable_pdf_is_rejected(data, kind):
    assert len(data) < 1_000_000

    assert read_error(data).kind == kind


def test_pdf_over_limit_is_rejected_with_the_limit():
    data = pages_pdf(*[b"BT /F1 12 Tf 72 700 Td (abcde) Tj ET"] * 3)

    pages, characters = read_error(data, max_pages=2), read_error(data, max_characters=14)

    assert (pages.kind, characters.kind) == ("too_many_pages", "too_much_text")
    assert explain_unreadable_pdf(pages).startswith("This PDF has more than 2 pages.")
    assert explain_unreadable_pdf(characters).startswith("This PDF has more than 14 characters.")


def test_explain_unreadable_pdf_names_reason_and_remedy():
    locked = read_error(encrypted("secret", "secret"))

    assert explain_unreadable_pdf(locked) == (
        "This PDF is password-protected. Save a copy without the password and upload that."
    )
    assert explain_unreadable_pdf(locked, can_paste=True) == (
        "This PDF is password-protected. Save a copy without the password and upload that, or paste the text."
    )


def test_many_streams_under_limit_hit_memory_limit():
    part = megabytes_of_spaces(24)

    assert read_error(pages_pdf(*[part] * 40, entries=FLATE), cpu_seconds=60).kind == "too_large"


def test_slow_pdf_is_rejected_at_cpu_limit():
    assert read_error(SLOW, cpu_seconds=1).kind == "too_slow"


def test_sandbox_limits_its_own_cpu_time():
    program = [sys.executable, "-I", pdf_sandbox.__file__, "500", "2000000", "1"]

    result = subprocess.run(program, input=SLOW, capture_output=True)

    assert result.returncode in {-signal.SIGXCPU, -signal.SIGKILL}
    assert result.stdout == b""


def test_sandbox_crash_is_not_blamed_on_document():
    with pytest.raises(RuntimeError, match="ended with status 1"):
        read_pdf(TEXT, replace(LIMITS, max_pages="many"))


def test_threads_read_concurrently():
    with ThreadPoolExecutor(4) as threads:
        texts = [read.text for read in threads.map(read_pdf, [TEXT] * 8, [LIMITS] * 8)]

    assert texts == ["I called twice\nand nobody rang back"] * 8


def test_unstorable_characters_are_removed():
    """Check a font whose ToUnicode table maps letters to NUL, a lone surrogate, and a surrogate pair."""
    table = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        b"1 begincodespacerange <00> <FF> endcodespacerange "
        b"4 beginbfchar <41> <0000> <42> <D800> <43> <DC00> <44> <D83DDE00> endbfchar endcmap end end"
    )
    content = b"BT /F1 12 Tf 72 700 Td (eAeBeCeDe) Tj ET"

    read = read_pdf(pages_pdf(content, font=FONT[:-2] + b"/ToUnicode 4 0 R >>", extra_objects=(stream(table),)), LIMITS)

    assert read.text == "eeee\N{GRINNING FACE}e"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_remove_unstorable_characters_keeps_all_others(text):
    assert remove_unstorable_characters("\0".join(text)) == text


@given(st.text(st.characters() | st.sampled_from("\0\ud83d\ude00")))
def test_remove_unstorable_characters_returns_encodable_text(text):
    cleaned = remove_unstorable_characters(text)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
