"""Patterns for text that people wrote. Each search has a time budget, and `squeeze` shortens whitespace first.

The `regex` engine finds the same matches as `re`, but it can stop a search, and it lets other threads run meanwhile.
Linear patterns keep a search far below its budget. The budget guards against patterns that are added later.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import regex

_BASE_BUDGET = 1.0  # seconds of computing time
_BUDGET_PER_CHARACTER = 4e-6  # seconds; the slowest pattern needs a tenth of this on the worst text we found
_ALLOWED_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL  # flags with the same values in both engines
_MAX_NEWLINES, _MAX_SPACES = 2, 3  # kept from each run of whitespace


class SearchBudgetError(Exception):
    """A search that exceeded its time budget."""


class BoundedPattern:
    """Pattern with the methods of `re.Pattern`. Each raises SearchBudgetError if it takes too long.

    It is compiled on first use: all patterns together take 0.3 s, and most processes use few of them.
    """

    def __init__(self, pattern: str, flags: int = 0) -> None:
        if flags & ~_ALLOWED_FLAGS:
            raise ValueError(f"Flags {flags} do not mean the same in both engines.")
        self.pattern, self.flags = pattern, flags

    @cached_property
    def _compiled(self) -> Any:
        return regex.compile(self.pattern, int(self.flags))

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        return self._run("search", text, text, start, end)

    def match(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        return self._run("match", text, text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        return self._run("fullmatch", text, text, start, end)

    def finditer(self, text: str, start: int = 0, end: int | None = None) -> list[re.Match[str]]:
        """Return all matches at once, so that the budget covers the search and not the caller's loop."""
        return cast(list[re.Match[str]], self._run(self._find_all, text, text, start, end))

    def findall(self, text: str) -> list[Any]:
        return cast(list[Any], self._run("findall", text, text))

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        return cast(list[str], self._run("split", text, text, maxsplit))

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str, count: int = 0) -> str:
        return cast(str, self._run("sub", text, replacement, text, count))

    def _find_all(self, *arguments: Any, timeout: float) -> list[Any]:
        return list(self._compiled.finditer(*arguments, timeout=timeout))

    def _run(self, method: str | Callable[..., Any], text: str, *arguments: Any) -> Any:
        call = getattr(self._compiled, method) if isinstance(method, str) else method
        budget = _BASE_BUDGET + len(text) * _BUDGET_PER_CHARACTER
        try:
            return call(*arguments, timeout=budget)
        except TimeoutError:
            # The message leaves out the text, because a person wrote it.
            raise SearchBudgetError(f"A search of {len(text)} characters took more than {budget:.1f} s.") from None


@dataclass(frozen=True)
class SqueezedText:
    """Text with shortened runs of whitespace, and a mapping back to the original."""

    text: str
    offsets: Sequence[int]  # index in the original text, one per character of `text` and one for its end

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the bounds of a nonempty span in the original text."""
        return self.offsets[start], self.offsets[end - 1] + 1


_LONG_RUN = regex.compile(r"\s{3,}+")


def squeeze(text: str) -> SqueezedText:
    """Shorten each run of whitespace to at most 2 line breaks, or to 3 characters if it has none."""
    pieces: list[str] = []
    offsets: list[int] = []
    at = 0
    for run in _LONG_RUN.finditer(text):
        kept = _kept_places(run.group(), run.start())
        if len(kept) == run.end() - run.start():
            continue
        pieces += [text[at : run.start()], *(text[place] for place in kept)]
        offsets += [*range(at, run.start()), *kept]
        at = run.end()
    if not pieces:
        return SqueezedText(text, range(len(text) + 1))
    pieces.append(text[at:])
    offsets += range(at, len(text) + 1)
    return SqueezedText("".join(pieces), offsets)


def _kept_places(run: str, start: int) -> list[int]:
    newlines = [start + place for place, letter in enumerate(run) if letter == "\n"]
    return newlines[:_MAX_NEWLINES] if newlines else list(range(start, start + min(len(run), _MAX_SPACES)))
