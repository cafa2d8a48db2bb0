"""Which words are names, which are not, and which can be either."""

from pathlib import Path

WORDS = Path(__file__).parent / "words"


def _lines(name: str) -> list[str]:
    lines = (WORDS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _read(name: str) -> frozenset[str]:
    return frozenset(word for line in _lines(name) for word in line.split())


def _read_lists(name: str) -> dict[str, frozenset[str]]:
    """Several lists of one file, by the headings in brackets."""
    lists: dict[str, set[str]] = {}
    heading = ""
    for line in _lines(name):
        if line.startswith("["):
            heading = line.strip("[]")
        else:
            lists.setdefault(heading, set()).update(line.split())
    return {heading: frozenset(words) for heading, words in lists.items()}


LITTLE_WORDS = _read("little.txt")
BRANDS = _read("brands.txt")
NEVER_NAMES = _read("never.txt") | LITTLE_WORDS | BRANDS
COMMON_WORDS = _read("common.txt")
ALSO_NAMES = _read("also_names.txt")
KNOWN_NAMES = _read("known_names.txt")
MONTH_NAMES = frozenset({"april", "may", "june", "august"})

LISTS = _read_lists("lists.txt")
TITLES = LISTS["titles"]
ROLE_TITLES = LISTS["roles"]
FAMILY = LISTS["family"]
PARTICLES = LISTS["particles"]
ENDINGS = LISTS["endings"]
VERB_ENDINGS = ("ing", "ed")


def is_common(word: str) -> bool:
    """An ordinary word in any of its forms. The word is in small letters, without accents and apostrophes."""
    if word in KNOWN_NAMES or word in ALSO_NAMES:
        return False
    return word in COMMON_WORDS or _has_ordinary_stem(word) or (word[-1:] == "s" and _has_ordinary_stem(word[:-1]))


def _has_ordinary_stem(word: str) -> bool:
    return any(_explains(ending, word) for ending in ENDINGS if word.endswith(ending))


def _explains(ending: str, word: str) -> bool:
    """Whether an ordinary word with this ending makes the word: stay-ing, us(e)-ed, cop(y)-ies, run(n)-ing."""
    stem = word.removesuffix(ending)
    shortest = 2 if ending in VERB_ENDINGS else 4 if ending == "y" else 3
    if len(stem) < shortest:
        return False
    stems = {stem + "e", stem[:-1] + "y"} if stem[-1] == "i" else {stem + "e"}
    if len(stem) > 2 and (ending, stem[-1]) != ("y", "e"):
        stems.add(stem)
    if stem[-1] == stem[-2]:
        stems.add(stem[:-1])
    return not stems.isdisjoint(COMMON_WORDS) or (ending in VERB_ENDINGS and not stems.isdisjoint(ALSO_NAMES))


def is_no_name(word: str) -> bool:
    return word in NEVER_NAMES or is_common(word)


def is_ambiguous(word: str) -> bool:
    """A word in its own right, whether or not it is a name too."""
    return word not in KNOWN_NAMES and (word in ALSO_NAMES or is_no_name(word))
