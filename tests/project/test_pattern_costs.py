"""Every pattern of the product needs time in proportion to the text, however adversarial the text is.

A search over its CPU budget is repeated on a text four times as long: a linear pattern then takes four times as long,
a quadratic one sixteen times.
"""

import ast
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import regex

from ai.bounded_patterns import BoundedPattern
from tests.support.adversarial_texts import adversarial_texts
from tests.support.fixtures import *  # noqa: F403

ROOT = Path(__file__).parents[2]
FOLDERS = ("accounts", "ai", "evaluation", "recordings", "scenarios", "standins", "training", "voicegateway")
LENGTH, BUDGET = 1_000, 0.003  # characters, seconds
HARD_LIMIT = 0.5  # seconds
MAX_GROWTH = 9.0  # for a text four times as long
MEASUREMENTS = 3  # in which a text must seem costly
ENGINE_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE

ANCHORED_CALLS = {"match", "fullmatch"}
# Used only with `match` or `fullmatch`, so they are timed at the start of the text only.
MATCHED_AT_THE_START = {
    "evaluation.grading.red_lines._AFFIRMATION",
    "scenarios.linting.context_markup._ROW",
    "scenarios.packs.csv_cells._NAME",
    "standins.openai.demo.grading_rules._DENIAL_AFTER",
    "standins.openai.demo.grading_rules._QUESTION_WORDS",
}


def module_names() -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts and path.name != "__main__.py":
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def patterns_in(value: Any, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield (pattern, flags) of each compiled text pattern in a module's attribute, also inside containers."""
    if isinstance(value, BoundedPattern | re.Pattern):
        pattern = value.pattern.decode("latin-1") if isinstance(value.pattern, bytes) else value.pattern
        yield pattern, value.flags & ENGINE_FLAGS
    elif isinstance(value, list | tuple | set | frozenset | dict) and depth < 4:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from patterns_in(inner, depth + 1)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        yield from patterns_in([getattr(value, name, None) for name in value.__dataclass_fields__], depth + 1)


def inline_patterns(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the patterns of calls such as `re.search(r"...", text)`."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=name), args=[ast.Constant(value=str(pattern)), *_]
            ) if name != "compile":
                yield f"^(?:{pattern})" if name in ANCHORED_CALLS else pattern, 0


def all_patterns() -> dict[tuple[str, int], str]:
    """Return the place of every pattern, by pattern and flags."""
    found: dict[tuple[str, int], str] = {}
    for name, path in module_names():
        for attribute, value in vars(importlib.import_module(name)).items():
            for one in patterns_in(value):
                found.setdefault(one, f"{name}.{attribute}")
        for one in inline_patterns(path):
            found.setdefault(one, name)
    return found


def searching_time(compiled: Any, text: str, limit: float) -> float | None:
    """Return the computing time of finding all matches, or None if it exceeds the limit."""
    started = time.process_time()
    try:
        for _ in compiled.finditer(text, timeout=limit):
            pass
    except TimeoutError:
        return None
    return time.process_time() - started


def costly_texts(
    pattern: str, flags: int, length: int, budget: float, is_matched_at_the_start: bool = False
) -> Iterator[str]:
    """Yield a description of each text whose search grows faster than the text."""
    compiled = regex.compile(rf"\A(?:{pattern})" if is_matched_at_the_start else pattern, flags)
    shorter, longer = adversarial_texts(pattern, length), adversarial_texts(pattern, 4 * length)
    for text, long_text in zip(shorter, longer, strict=True):
        if searching_time(compiled, text, budget) is not None:
            continue
        # Other work of the machine may disturb a measurement, but hardly several in a row.
        if all(grows_fast(compiled, text, long_text) for _ in range(MEASUREMENTS)):
            yield f"{text[:30]!r}… {text[-10:]!r}"


def grows_fast(compiled: Any, text: str, long_text: str) -> bool:
    """Return True if a search takes too long, or grows faster than the text."""
    short_time = searching_time(compiled, text, HARD_LIMIT)
    long_time = None if short_time is None else searching_time(compiled, long_text, HARD_LIMIT)
    return short_time is None or long_time is None or long_time > MAX_GROWTH * short_time


def assert_linear(length: int, budget: float) -> None:
    costly = {
        place: text
        for (pattern, flags), place in all_patterns().items()
        if (text := next(costly_texts(pattern, flags, length, budget, place in MATCHED_AT_THE_START), None))
    }
    assert costly == {}


def test_all_patterns_are_found():
    places = set(all_patterns().values())

    assert {
        "ai.prompt_injection._COMMAND",
        "evaluation.grading.red_lines._METHOD",
        "scenarios.pii.contacts.EMAIL",
        "scenarios.linting.prompt_rules._SPOKEN",
        "accounts.procedures.sections._HEADING",
        "scenarios.packs.csv_reader._LINE",
        "standins.openai.demo.grading_rules.GRADING_RULES",
    } <= places


def uses_of(name: str, tree: ast.Module) -> tuple[int, int]:
    """Return how often a module reads this name, and how often only to call its `match` or `fullmatch`."""
    reads = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ANCHORED_CALLS and node.value in reads
    ]
    return sum(isinstance(node.ctx, ast.Load) for node in reads), len(calls)


@pytest.mark.parametrize("place", sorted(MATCHED_AT_THE_START))
def test_pattern_that_is_timed_at_the_start_is_only_matched_there(place):
    module, name = place.rsplit(".", 1)

    reads, calls = uses_of(name, ast.parse(dict(module_names())[module].read_text()))

    assert name.startswith("_")
    assert reads == calls > 0


def test_every_pattern_is_linear():
    assert_linear(LENGTH, BUDGET)


@pytest.mark.prove
def test_every_pattern_is_linear_on_long_texts():
    assert_linear(20 * LENGTH, 20 * BUDGET)


@pytest.mark.parametrize("pattern", [r"hello\s*\s*\s*grader", r"(?:a|aa)+$", r"[.!?]+(?=\s)"])
def test_costly_patterns_are_recognized(pattern):
    assert next(costly_texts(pattern, 0, LENGTH, BUDGET), None) is not None
