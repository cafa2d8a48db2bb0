from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from scenarios.models import (
    MAX_SKILLS,
    NAME_LIMIT,
    Difficulty,
    ImportJob,
    ImportRow,
    Mode,
    Opener,
    Patience,
    Scenario,
    folded,
)
from scenarios.packs.rows import PackRow, shown
from scenarios.services.contexts import check_context
from scenarios.services.import_library import PLAIN, Existing, Library, Verdict, row_key

CHOICES = {"mode": Mode, "difficulty": Difficulty, "opens": Opener, "patience": Patience}

# By `row_key`, where a title stands first: the import and the number of its row. Files imported together share one.
Seen = dict[str, tuple[ImportJob, int]]


@dataclass
class Checked:
    """A row and what would become of it."""

    row: PackRow
    values: dict[str, Any]
    problems: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = ImportRow.Outcome.NEW

    @property
    def key(self) -> str:
        return row_key(self.values)


class RowChecker:
    """Says of each row of a pack whether it is new, there already, changed or wrong. Writes nothing."""

    def __init__(self, job: ImportJob, seen: Seen | None = None) -> None:
        self.job = job
        self.library = Library(job.organization)
        self.seen: Seen = {} if seen is None else seen

    def check(self, rows: Sequence[PackRow]) -> list[Checked]:
        """Some rows, in the order of their file; earlier ones are remembered."""
        checked = [self._check_alone(row) for row in rows]
        found = self._existing([one.values for one in checked if not one.problems])
        for one in checked:
            self._compare(one, found)
        return checked

    def _existing(self, values: Sequence[dict[str, Any]]) -> Existing:
        read = Existing.whole if self.job.may_update else Existing.of
        return read(self.job.organization, values)

    def _check_alone(self, row: PackRow) -> Checked:
        checked = Checked(row, dict(row.values))
        checked.problems = [
            {"field": problem.field, "message": problem.message, "line": problem.line, "column": problem.column}
            for problem in row.problems
        ]
        if row.problems and not row.values:
            return checked
        for name, message in self._wrong(checked.values, {problem["field"] for problem in checked.problems}):
            checked.problems.append(problem_of(row, name, message))
        return checked

    def _wrong(self, values: dict[str, Any], known: set[str]) -> Iterable[tuple[str, str]]:
        """Names of fields and what is wrong with them; `values` becomes what can be written."""
        for name, choices in CHOICES.items():
            text = str(values.get(name, ""))
            if folded(text) in choices.values:
                values[name] = folded(text)
            elif text.strip():
                yield name, f"“{shown(text)}” is not one of {', '.join(choices.values)}."
            elif name != "opens":
                values.pop(name, None)  # not said; only of who opens a blank says something
        scenario = Scenario(**{name: values[name] for name in PLAIN if name in values})
        judged = set(PLAIN) - set(CHOICES) - known
        try:
            scenario.clean_fields(exclude={column.name for column in Scenario._meta.fields} - judged)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                yield name, " ".join(messages)
        try:
            if "evaluator_context" in values:
                values["evaluator_context"] = check_context(str(values["evaluator_context"]))
        except ValidationError as error:
            yield "evaluator_context", " ".join(error.messages)
        yield from self._unknown_names(values)

    def _unknown_names(self, values: dict[str, Any]) -> Iterable[tuple[str, str]]:
        for name in ("category", "account"):
            if name in values:
                values[name] = values[name].strip()
        category = values.get("category", "")
        if len(category) > NAME_LIMIT:
            yield "category", f"A category's name has at most {NAME_LIMIT} characters; this has {len(category)}."
        elif category and not self.job.creates_categories and not self.library.categories.find(category):
            yield "category", f"There is no category “{category}”. {self.library.categories.closest(category)}"
        skills = values.get("skills", [])
        if len(skills) > MAX_SKILLS:
            yield "skills", f"At most {MAX_SKILLS} skills; this row has {len(skills)}."
            skills = []
        for skill in skills:
            if not self.library.skills.find(skill):
                hint = self.library.skills.closest(skill[:NAME_LIMIT])
                yield "skills", f"There is no skill “{shown(skill)}”. {hint}"
        account = values.get("account", "")
        if account and not self.library.accounts.find(account):
            yield "account", f"There is no account “{shown(account)}” (its number or name is wanted)."

    def _compare(self, checked: Checked, found: Existing) -> None:
        if checked.problems:
            checked.outcome = ImportRow.Outcome.INVALID
            return
        here = (self.job, checked.row.number)
        job, number = self.seen.setdefault(checked.key, here)
        if (job, number) != here:
            file = "this file" if job == self.job else job.filename
            why = f"The same title stands in row {number} of {file}."
            verdict = Verdict(ImportRow.Outcome.DUPLICATE, ("title", why))
        else:
            verdict = found.judge(checked.values, self.library, self.job)
        checked.outcome = verdict.outcome
        if verdict.why_not:
            checked.problems.append(problem_of(checked.row, *verdict.why_not))


def problem_of(row: PackRow | ImportRow, name: str, message: str) -> dict[str, Any]:
    return {"field": name, "message": message, "line": row.line, "column": None}
