"""Planted faults: small, realistic mistakes kept as data, to show that the tests still find each of them."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
DATABASES = ("sqlite", "postgresql")


class PlantingError(Exception):
    """A fault that cannot be planted, because its text is not in the file, or is there more than once."""


@dataclass(frozen=True)
class Change:
    """One replacement. `find` must occur exactly once in `file`, a path relative to the project's root."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Fault:
    """A mistake that a good engineer could make in a refactoring, and the tests that must fail because of it."""

    name: str
    kind: str
    file: str
    find: str
    replace: str
    harm: str  # what happens to a user, in one sentence
    found_by: tuple[str, ...]  # pytest node ids without parameters
    also: tuple[Change, ...] = ()  # further replacements of the same mistake
    database: str = "sqlite"  # the database on which its tests fail, one of DATABASES
    only: bool = False  # found only by a matrix, property, kill, process, or browser test, not by a fast, direct one

    @property
    def changes(self) -> tuple[Change, ...]:
        return (Change(self.file, self.find, self.replace), *self.also)


def load_faults(folder: Path = FOLDER) -> list[Fault]:
    """Read every TOML file of the folder, in the order of their names."""
    return [
        _fault_of(entry)
        for path in sorted(folder.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    ]


def select(faults: Sequence[Fault], names: Sequence[str]) -> list[Fault]:
    """Return the faults with these names or kinds, by default all. Raise PlantingError for an unknown name."""
    known = {fault.name for fault in faults} | {fault.kind for fault in faults}
    if unknown := [name for name in names if name not in known]:
        raise PlantingError(f"There is no planted fault named {', '.join(unknown)}.")
    return [fault for fault in faults if not names or fault.name in names or fault.kind in names]


def apply(fault: Fault, folder: Path) -> None:
    """Plant the fault in a copy of the project. Raise PlantingError if a text does not occur exactly once."""
    for change in fault.changes:
        path = folder / change.file
        if not path.is_file():
            raise PlantingError(f"{fault.name}: there is no file {change.file}.")
        text = path.read_text(encoding="utf-8")
        if (count := text.count(change.find)) != 1:
            raise PlantingError(f"{fault.name}: the text occurs {count} times in {change.file}, not once.")
        path.write_text(text.replace(change.find, change.replace), encoding="utf-8")


def _fault_of(entry: dict[str, Any]) -> Fault:
    lists = {"found_by": tuple(entry["found_by"]), "also": tuple(Change(**one) for one in entry.get("also", ()))}
    return Fault(**entry | lists)
