"""DOCX text extraction as a separate program, which text_extraction.py runs in a sandbox.

Usage: `python -I docx_sandbox.py <maximum characters> <CPU seconds>`, with the DOCX on stdin. It writes the text with
the kinds of parts that were not read, or the reason why there is none, to stdout as JSON. Its only imports from this
project are the modules that do this work.
"""

import io
import json
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # isolated mode leaves the project off the path
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from evaluation.files.docx_package import DocxPackage, TooLargeError
from evaluation.files.docx_reader import DocxReader

MEMORY_LIMIT = 512 * 1024**2  # bytes of address space


def main() -> None:
    max_characters, seconds = map(int, sys.argv[1:])
    # Set here and not by the parent: Python code between fork and exec of a threaded process could deadlock.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    sys.stdout.buffer.write(json.dumps(extract_docx_text(sys.stdin.buffer.read(), max_characters)).encode())


def extract_docx_text(data: bytes, max_characters: int) -> dict[str, Any]:
    """Return `{"text": …, "unread": {kind: count}}` or `{"refused": "too_large"}` or `{"refused": "damaged"}`.

    The text has up to one character more than `max_characters`, so that the parent can tell that it is too long.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            reader = DocxReader(DocxPackage(archive))
            lines = reader.read_lines()
    except (MemoryError, TooLargeError):
        return {"refused": "too_large"}
    except Exception:  # zipfile and lxml raise many kinds of errors on a broken file
        return {"refused": "damaged"}
    text = "\n".join(lines).replace("\0", "").replace("\u00ad", "")[: max_characters + 1]
    return {"text": text, "unread": {kind: count for kind, count in reader.unread.items() if count}}


if __name__ == "__main__":
    main()
