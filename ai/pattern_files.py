"""Patterns stored as text files, one per line, so that they are easy to read, extend, and compare."""

from collections.abc import Mapping
from pathlib import Path

from ai.bounded_patterns import BoundedPattern


def read_patterns(path: Path, words: Mapping[str, str] | None = None, flags: int = 0) -> BoundedPattern:
    """Return one compiled pattern that matches any line of the file. Lines that begin with `# ` are comments.

    `{NAME}` in a line is replaced by `words["NAME"]`.
    """
    pattern = "|".join(f"(?:{line})" for line in read_lines(path))
    for name, meaning in (words or {}).items():
        pattern = pattern.replace("{" + name + "}", meaning)
    return BoundedPattern(pattern, flags)


def read_lines(path: Path) -> tuple[str, ...]:
    """Return the non-empty lines that are not comments. Spaces at both ends of a line are kept."""
    return tuple(line for line in path.read_text().splitlines() if line and not line.startswith("# "))
