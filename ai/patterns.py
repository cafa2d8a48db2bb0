"""Patterns kept as data: a file of them, one a line, so that they can be read, added to and compared."""

import re
from collections.abc import Mapping
from pathlib import Path


def read_patterns(path: Path, words: Mapping[str, str] | None = None, flags: int = 0) -> re.Pattern[str]:
    """One pattern that matches what any line of the file matches. A line that begins with `# ` is a comment.

    `{NAME}` in a line stands for the pattern of that name in `words`.
    """
    whole = "|".join(f"(?:{line})" for line in read_lines(path))
    for name, meaning in (words or {}).items():
        whole = whole.replace("{" + name + "}", meaning)
    return re.compile(whole, flags)


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines that are no comment, with the blanks at their ends."""
    return tuple(line for line in path.read_text().splitlines() if line and not line.startswith("# "))
