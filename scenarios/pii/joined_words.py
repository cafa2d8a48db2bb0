"""Names with joined words or separated letters: zebulonq, Zebulon_Q, Zebu-lon, Z e b u l o n."""

from collections.abc import Iterable, Iterator, Sequence

from scenarios.pii.entities import PIIKind, PIISpan
from scenarios.pii.normalized_text import NormalizedText, Word
from scenarios.pii.vocabulary import is_ambiguous

MIN_LENGTH = 5  # letters; shorter keys match by chance
MAX_WORDS = 24  # words joined into one key
MAX_GAP_LENGTH = 3  # characters between two joined words
DIGITS = "0123456789"


def join_words(keys: Sequence[str]) -> set[str]:
    return _keep_distinctive({"".join(keys)})


def build_handles(keys: Sequence[str]) -> set[str]:
    """Return the handles a person with this name may use: first and last name, and either with the other's initial."""
    if len(keys) < 2:
        return set()
    first, last = keys[0], keys[-1]
    return _keep_distinctive({first + last, last + first, first + last[0], first[0] + last, last + first[0]})


def match_joined_words(keys: Iterable[str], normalized: NormalizedText, kind: PIIKind) -> Iterator[PIISpan]:
    """Yield runs of neighboring words that join into one of the keys, in one pass for any number of keys."""
    keys = frozenset(keys)
    longest = max(map(len, keys), default=0)
    words = normalized.words if keys else []
    for first, word in enumerate(words):
        if word.key in keys or word.key.rstrip(DIGITS) in keys:
            yield PIISpan(word.start, word.end, kind)
        key = word.key
        for last in range(first + 1, min(len(words), first + MAX_WORDS)):
            key += words[last].key
            if len(key) > longest or len(words[last].gap) > MAX_GAP_LENGTH:
                break
            if key in keys and _is_uncommon_run(words[first : last + 1]):
                yield PIISpan(word.start, words[last].end, kind)


def _keep_distinctive(keys: set[str]) -> set[str]:
    """Return the keys that are long enough and not ordinary words. Ann Other must not match "another"."""
    return {key for key in keys if len(key) >= MIN_LENGTH and not is_ambiguous(key)}


def _is_uncommon_run(run: Sequence[Word]) -> bool:
    """Return False for "good win" when looking for Goodwin: require single letters or an uncommon word."""
    spelled_out = all(len(word.key) == 1 for word in run)
    return spelled_out or any(len(word.key) > 1 and not is_ambiguous(word.key) for word in run)
