"""Checks that each planted fault applies to the code exactly once and names existing tests."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.planted.plant import DATABASES, ROOT, Fault, PlantingError, apply, load_faults, select

FAULTS = load_faults()


@cache
def names_of(file: str) -> frozenset[str]:
    """Return the names of a file's functions, with those in classes as `Class::test_name`."""
    names = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return frozenset(names)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_applies_exactly_once(fault: Fault, tmp_path: Path) -> None:
    for change in fault.changes:
        (tmp_path / change.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / change.file).write_bytes((ROOT / change.file).read_bytes())

    apply(fault, tmp_path)

    for change in fault.changes:
        assert (tmp_path / change.file).read_bytes() != (ROOT / change.file).read_bytes()
        if change.file.endswith(".py"):
            ast.parse((tmp_path / change.file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_names_tests_that_exist(fault: Fault) -> None:
    assert fault.found_by
    named = [test.partition("::")[::2] for test in fault.found_by]

    assert [(file, name) for file, name in named if name not in names_of(file)] == []


def test_planted_faults_have_unique_names_and_three_of_each_kind() -> None:
    names = [fault.name for fault in FAULTS]
    kinds = [fault.kind for fault in FAULTS]

    assert sorted(set(names)) == sorted(names)
    assert {kind: kinds.count(kind) for kind in kinds if kinds.count(kind) < 3} == {}
    assert {fault.database for fault in FAULTS} <= set(DATABASES)


@pytest.mark.parametrize("text", ["nothing here", "twice twice"])
def test_apply_refuses_a_snippet_that_does_not_occur_exactly_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "code.py").write_text(text)
    fault = Fault("a-fault", "a kind", "code.py", "twice", "once", "Somebody is harmed.", ())

    with pytest.raises(PlantingError, match="not once"):
        apply(fault, tmp_path)


def test_select_refuses_an_unknown_name() -> None:
    with pytest.raises(PlantingError, match="no-such-fault"):
        select(FAULTS, ["no-such-fault"])
