"""Where something stands in a text, and the small tools for finding it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


Found = tuple[str, Passage]  # a key of MESSAGES and where
NOWHERE = Passage("", 0)  # for what is missing


def trimmed(text: str, start: int) -> Passage:
    return Passage(text.strip(), start + len(text) - len(text.lstrip()))


_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*")


def sentences(text: str) -> list[Passage]:
    found = (trimmed(match[0], match.start()) for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence.text]


def any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
