"""Search for many phrases in one pass over the text."""

from collections.abc import Iterable, Mapping, Sequence

from scenarios.pii.entities import PIIKind, PIISpan
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.vocabulary import is_ambiguous

MAX_GAP_LENGTH = 4  # characters between two words of a phrase

Phrase = tuple[str, ...]


class PhraseMatcher:
    """A set of phrases. Ordinary words match only when capitalized, and a single one only inside a sentence."""

    def __init__(self, kind: PIIKind, synonyms: Mapping[str, str]) -> None:
        self.kind = kind
        self.synonyms = synonyms
        self._needs_capital: dict[Phrase, bool] = {}

    def add(self, keys: Iterable[str], needs_capital: bool = False) -> None:
        phrase = tuple(self.synonyms.get(key, key) for key in keys)
        if phrase:
            ordinary = all(is_ambiguous(key) for key in phrase)
            needs_capital = needs_capital or ordinary
            self._needs_capital[phrase] = needs_capital and self._needs_capital.get(phrase, True)

    def find(self, normalized: NormalizedText) -> list[PIISpan]:
        words = normalized.words
        keys = [self.synonyms.get(word.key, word.key) for word in words]
        lengths = sorted({len(phrase) for phrase in self._needs_capital}, reverse=True)
        spans = []
        for first in range(len(words)):
            for length in lengths:
                run = words[first : first + length]
                needs_capital = self._needs_capital.get(tuple(keys[first : first + length]))
                if needs_capital is not None and _is_contiguous(run) and (not needs_capital or _is_named(run)):
                    spans.append(PIISpan(run[0].start, run[-1].end, self.kind))
                    break
        return spans


def _is_contiguous(run: Sequence[Word]) -> bool:
    return all(len(word.gap) <= MAX_GAP_LENGTH and "\n\n" not in word.gap for word in run[1:])


def _is_named(run: Sequence[Word]) -> bool:
    first = run[0]
    if not first.is_capital:
        return False
    return len(run) > 1 or not is_ambiguous(first.key) or not (first.starts_sentence or first.is_in_all_caps_line)
