"""Names whose words are written as one, or whose letters are not: zebulonq, Zebulon_Q, Zebu-lon, Z e b u l o n."""

from collections.abc import Iterable, Iterator, Sequence

from scenarios.personal.kinds import Kind, Span
from scenarios.personal.reading import Reading, Word
from scenarios.personal.vocabulary import is_ambiguous

SHORTEST = 5
MOST_WORDS = 24
LONGEST_GAP = 3
DIGITS = "0123456789"


def as_one_word(keys: Sequence[str]) -> set[str]:
    return _telling({"".join(keys)})


def as_handles(keys: Sequence[str]) -> set[str]:
    """How a person of this name signs: first and last name, and either with the other's initial."""
    if len(keys) < 2:
        return set()
    first, last = keys[0], keys[-1]
    return _telling({first + last, last + first, first + last[0], first[0] + last, last + first[0]})


def find_run_together(wanted: Iterable[str], reading: Reading, kind: Kind) -> Iterator[Span]:
    """Where neighbouring words make up one of the keys, in one pass whatever their number."""
    wanted = frozenset(wanted)
    longest = max(map(len, wanted), default=0)
    words = reading.words if wanted else []
    for first, word in enumerate(words):
        if word.key in wanted or word.key.rstrip(DIGITS) in wanted:
            yield Span(word.start, word.end, kind)
        key = word.key
        for last in range(first + 1, min(len(words), first + MOST_WORDS)):
            key += words[last].key
            if len(key) > longest or len(words[last].gap) > LONGEST_GAP:
                break
            if key in wanted and _is_no_ordinary_run(words[first : last + 1]):
                yield Span(word.start, words[last].end, kind)


def _telling(keys: set[str]) -> set[str]:
    """Not "another" for Ann Other."""
    return {key for key in keys if len(key) >= SHORTEST and not is_ambiguous(key)}


def _is_no_ordinary_run(run: Sequence[Word]) -> bool:
    """Not "good win" for Goodwin: letters by themselves, or a word that is none."""
    spelled_out = all(len(word.key) == 1 for word in run)
    return spelled_out or any(len(word.key) > 1 and not is_ambiguous(word.key) for word in run)
