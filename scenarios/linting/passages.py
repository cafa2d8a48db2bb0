"""Passages of the author's text, and functions that find them."""

import re
from dataclasses import dataclass

from ai.bounded_patterns import BoundedPattern


@dataclass(frozen=True)
class TextPassage:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


LintFinding = tuple[str, TextPassage]  # key of MESSAGES, passage
NOWHERE = TextPassage("", 0)  # stands for a missing passage


def trim_passage(text: str, start: int) -> TextPassage:
    return TextPassage(text.strip(), start + len(text) - len(text.lstrip()))


_SENTENCE = BoundedPattern(r"[^.!?;\n]+[.!?;]*")


def split_sentences(text: str) -> list[TextPassage]:
    found = (trim_passage(match[0], match.start()) for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence.text]


def compile_any(*patterns: str) -> BoundedPattern:
    return BoundedPattern("|".join(patterns), re.IGNORECASE)


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())
