"""Run by documents.py as a program of its own: a DOCX on stdin, its text or why there is none as JSON on stdout.

`python -I docx_child.py <most characters> <CPU seconds>`. It imports nothing of ours.
"""

import io
import json
import resource
import sys
import zipfile

MEMORY = 512 * 1024**2  # bytes of address space
LARGEST_PART = 50_000_000  # bytes that all parts together may unpack to


def main() -> None:
    most_characters, seconds = map(int, sys.argv[1:])
    # Set from within: between fork and exec of a threaded parent, Python code could deadlock.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(json.dumps(read(sys.stdin.buffer.read(), most_characters)).encode())


def read(data: bytes, most_characters: int) -> dict[str, str]:
    import docx  # noqa: PLC0415  # after the limits are set

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST_PART:
                return {"refused": "too_large"}
        document = docx.Document(io.BytesIO(data))
        lines = [paragraph.text for paragraph in document.paragraphs]
        lines += [" ".join(cell.text for cell in row.cells) for table in document.tables for row in table.rows]
    except MemoryError:
        return {"refused": "too_large"}
    except Exception:  # a broken file surprises the library in many ways
        return {"refused": "damaged"}
    text = "\n".join(line for line in lines if line.strip())
    return {"text": text.replace("\0", "")[: most_characters + 1]}


if __name__ == "__main__":
    main()
