"""Looking up runs of words in a text, in one pass whatever their number."""

from collections.abc import Iterable, Mapping, Sequence

from scenarios.personal.kinds import Kind, Span
from scenarios.personal.reading import Reading, Word
from scenarios.personal.vocabulary import is_ambiguous

LONGEST_GAP = 4

Phrase = tuple[str, ...]


class Phrases:
    """Runs of keys. Ordinary words count only with a capital, and one alone only inside a sentence."""

    def __init__(self, kind: Kind, alike: Mapping[str, str]) -> None:
        self.kind = kind
        self.alike = alike
        self._needs_capital: dict[Phrase, bool] = {}

    def add(self, keys: Iterable[str], needs_capital: bool = False) -> None:
        phrase = tuple(self.alike.get(key, key) for key in keys)
        if phrase:
            ordinary = all(is_ambiguous(key) for key in phrase)
            needs_capital = needs_capital or ordinary
            self._needs_capital[phrase] = needs_capital and self._needs_capital.get(phrase, True)

    def find(self, reading: Reading) -> list[Span]:
        words = reading.words
        keys = [self.alike.get(word.key, word.key) for word in words]
        lengths = sorted({len(phrase) for phrase in self._needs_capital}, reverse=True)
        spans = []
        for first in range(len(words)):
            for length in lengths:
                run = words[first : first + length]
                needs_capital = self._needs_capital.get(tuple(keys[first : first + length]))
                if needs_capital is not None and _stands_together(run) and (not needs_capital or _is_named(run)):
                    spans.append(Span(run[0].start, run[-1].end, self.kind))
                    break
        return spans


def _stands_together(run: Sequence[Word]) -> bool:
    return all(len(word.gap) <= LONGEST_GAP and "\n\n" not in word.gap for word in run[1:])


def _is_named(run: Sequence[Word]) -> bool:
    first = run[0]
    if not first.is_capital:
        return False
    return len(run) > 1 or not is_ambiguous(first.key) or not (first.starts_sentence or first.is_shouted)
