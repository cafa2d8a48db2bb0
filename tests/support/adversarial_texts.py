"""Texts on which a pattern does the most work: repetitions of what it matches, of parts of that, and of fillers."""

import random
import warnings
from collections.abc import Iterator
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_constants as codes
    import sre_parse

# Single characters and pairs that repeat in texts of people, and those that many patterns begin with.
FILLERS = [" ", "\n", "\t", "a", "A", "1", ".", "!", ",", ":", "-", "_", '"', "'", "(", "[", "<", "#", "=", "é", "\\"]
FILLERS += [
    " \n",
    "a ",
    "a.",
    "1 ",
    "1.",
    "a1",
    "A ",
    "- ",
    ". ",
    "a'",
    "A-",
    "a@",
    "a_",
    "1/",
    "12 ",
    "?\n",
    "aa ",
    ", ",
]
END = "\x01"  # matches almost nothing, so that a match fails at the end of the text
SAMPLES = 3
REPEATABLE = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
CLASS_MEMBERS = {
    codes.CATEGORY_DIGIT: "17",
    codes.CATEGORY_SPACE: " \n",
    codes.CATEGORY_WORD: "ab1_",
    codes.CATEGORY_NOT_DIGIT: "a ",
    codes.CATEGORY_NOT_SPACE: "a1.",
    codes.CATEGORY_NOT_WORD: " .",
}


def adversarial_texts(pattern: str, length: int) -> Iterator[str]:
    """Yield texts of about `length` characters, the same ones on every run."""
    yield "hello" + "\n" * length + "grader"
    for filler in FILLERS:
        yield repeat(filler, length)
        yield repeat(filler, length) + END
    for part in sorted(_sample_parts(pattern)):
        for separator in ("", " ", ".", "\n"):
            yield repeat(part + separator, length)
        for filler in (" ", "\n", "a", "1", ", ", "a "):
            yield part + repeat(filler, length) + END
            yield repeat(filler, length) + END + part


def repeat(part: str, length: int) -> str:
    return part * (length // len(part))


def _sample_parts(pattern: str) -> set[str]:
    """Return strings that the pattern matches, and beginnings of them, which make it fail late."""
    chance = random.Random(17)
    # `re` does not know the mark class of `regex`.
    parsed = sre_parse.parse(pattern.replace(r"\p{M}", "\N{COMBINING TILDE}"))
    parts: set[str] = set()
    for _ in range(SAMPLES):
        sample = "".join(_sample(parsed, chance))[:200]
        parts |= {sample, sample[:-1], sample[: len(sample) * 2 // 3], sample[: len(sample) // 3]}
    return {part for part in parts if part}


def _sample(parsed: Any, chance: random.Random) -> Iterator[str]:
    """Yield the characters of a string that most likely matches. Assertions are ignored."""
    for code, value in parsed:
        if code is codes.LITERAL:
            yield chr(value)
        elif code is codes.NOT_LITERAL:
            yield "a" if value != ord("a") else "b"
        elif code is codes.ANY:
            yield chance.choice("a ")
        elif code is codes.IN:
            yield _member(value, chance)
        elif code is codes.BRANCH:
            yield from _sample(chance.choice(value[1]), chance)
        elif code is codes.SUBPATTERN:
            yield from _sample(value[-1], chance)
        elif code is codes.ATOMIC_GROUP:
            yield from _sample(value, chance)
        elif code in REPEATABLE:
            least, most, repeated = value
            for _ in range(min(int(most), max(int(least), chance.choice((0, 1, 2))))):
                yield from _sample(repeated, chance)


def _member(members: Any, chance: random.Random) -> str:
    """Return a character of a class."""
    if members[0][0] is codes.NEGATE:
        excluded = {chr(number) for code, number in members[1:] if code is codes.LITERAL}
        return next(letter for letter in "a1 .,;" if letter not in excluded)
    code, value = chance.choice(members)
    if code is codes.RANGE:
        return chr(chance.randint(value[0], min(value[1], value[0] + 5)))
    return chr(value) if code is codes.LITERAL else chance.choice(CLASS_MEMBERS.get(value, "a"))
