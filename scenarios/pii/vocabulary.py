"""Word lists: names, words that are never names, and words that can be either."""

from pathlib import Path

WORDS = Path(__file__).parent / "words"


def _read_lines(name: str) -> list[str]:
    lines = (WORDS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _read_words(name: str) -> frozenset[str]:
    return frozenset(word for line in _read_lines(name) for word in line.split())


def _read_lists(name: str) -> dict[str, frozenset[str]]:
    """Return the lists of one file by their bracketed headings."""
    lists: dict[str, set[str]] = {}
    heading = ""
    for line in _read_lines(name):
        if line.startswith("["):
            heading = line.strip("[]")
        else:
            lists.setdefault(heading, set()).update(line.split())
    return {heading: frozenset(words) for heading, words in lists.items()}


FUNCTION_WORDS = _read_words("function_words.txt")
BRANDS = _read_words("brands.txt")
NEVER_NAMES = _read_words("never_names.txt") | FUNCTION_WORDS | BRANDS
COMMON_WORDS = _read_words("common_words.txt")
AMBIGUOUS_NAMES = _read_words("ambiguous_names.txt")
KNOWN_NAMES = _read_words("known_names.txt")
MONTH_NAMES = frozenset({"april", "may", "june", "august"})

WORD_LISTS = _read_lists("short_lists.txt")
TITLES = WORD_LISTS["titles"]
ROLE_TITLES = WORD_LISTS["roles"]
FAMILY_WORDS = WORD_LISTS["family"]
PARTICLES = WORD_LISTS["particles"]
INFLECTIONS = WORD_LISTS["endings"]
VERB_ENDINGS = ("ing", "ed")


def is_common_word(word: str) -> bool:
    """Return True for an ordinary word in any form. The word must be lowercase, without accents and apostrophes."""
    if word in KNOWN_NAMES or word in AMBIGUOUS_NAMES:
        return False
    return word in COMMON_WORDS or _has_ordinary_stem(word) or (word[-1:] == "s" and _has_ordinary_stem(word[:-1]))


def _has_ordinary_stem(word: str) -> bool:
    return any(_has_stem_with(ending, word) for ending in INFLECTIONS if word.endswith(ending))


def _has_stem_with(ending: str, word: str) -> bool:
    """Return True if an ordinary stem with this ending makes the word: stay-ing, us(e)-ed, cop(y)-ies, run(n)-ing."""
    stem = word.removesuffix(ending)
    min_length = 2 if ending in VERB_ENDINGS else 4 if ending == "y" else 3
    if len(stem) < min_length:
        return False
    stems = {stem + "e", stem[:-1] + "y"} if stem[-1] == "i" else {stem + "e"}
    if len(stem) > 2 and (ending, stem[-1]) != ("y", "e"):
        stems.add(stem)
    if stem[-1] == stem[-2]:
        stems.add(stem[:-1])
    return not stems.isdisjoint(COMMON_WORDS) or (ending in VERB_ENDINGS and not stems.isdisjoint(AMBIGUOUS_NAMES))


def is_never_name(word: str) -> bool:
    return word in NEVER_NAMES or is_common_word(word)


def is_ambiguous(word: str) -> bool:
    """Return True for an ordinary word, including one that is also a name."""
    return word not in KNOWN_NAMES and (word in AMBIGUOUS_NAMES or is_never_name(word))
