"""DOCX text extraction as a separate program, which text_extraction.py runs in a sandbox.

Usage: `python -I docx_sandbox.py <maximum characters> <CPU seconds>`, with the DOCX on stdin. It writes the text, or
the reason why there is none, to stdout as JSON. It imports no module of this project.
"""

import io
import json
import resource
import sys
import zipfile

MEMORY_LIMIT = 512 * 1024**2  # bytes of address space
MAX_UNPACKED_BYTES = 50_000_000  # limit on the unpacked size of all parts together


def main() -> None:
    max_characters, seconds = map(int, sys.argv[1:])
    # Set here and not by the parent: Python code between fork and exec of a threaded process could deadlock.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(json.dumps(extract_docx_text(sys.stdin.buffer.read(), max_characters)).encode())


def extract_docx_text(data: bytes, max_characters: int) -> dict[str, str]:
    """Return `{"text": …}` or `{"refused": "too_large"}` or `{"refused": "damaged"}`.

    The text has up to one character more than `max_characters`, so that the parent can tell that it is too long.
    """
    import docx  # noqa: PLC0415  # imported after the limits are set

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED_BYTES:
                return {"refused": "too_large"}
        document = docx.Document(io.BytesIO(data))
        lines = [paragraph.text for paragraph in document.paragraphs]
        lines += [" ".join(cell.text for cell in row.cells) for table in document.tables for row in table.rows]
    except MemoryError:
        return {"refused": "too_large"}
    except Exception:  # python-docx raises many kinds of errors on a broken file
        return {"refused": "damaged"}
    text = "\n".join(line for line in lines if line.strip())
    return {"text": text.replace("\0", "")[: max_characters + 1]}


if __name__ == "__main__":
    main()
