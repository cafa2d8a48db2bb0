"""Validation of pack rows against the library."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from scenarios.models import (
    MAX_SKILLS_PER_SCENARIO,
    NAME_LIMIT,
    Difficulty,
    ImportJob,
    ImportRow,
    Mode,
    Opener,
    Patience,
    Scenario,
    fold_text,
)
from scenarios.packs.rows import PackRow, printable_excerpt
from scenarios.services.evaluator_contexts import clean_context_text
from scenarios.services.import_matching import PLAIN, ExistingScenarios, LibraryLookups, RowVerdict, row_key

CHOICES = {"mode": Mode, "difficulty": Difficulty, "opens": Opener, "patience": Patience}

# Import and row number of each `row_key`, the first row that used it. Files imported together share one mapping.
SeenRows = dict[str, tuple[ImportJob, int]]


@dataclass
class ValidatedRow:
    """A pack row with its outcome."""

    row: PackRow
    values: dict[str, Any]  # normalized column values
    problems: list[dict[str, Any]] = field(default_factory=list)  # field, message, line, and column of each
    outcome: str = ImportRow.Outcome.NEW

    @property
    def key(self) -> str:
        return row_key(self.values)


class RowValidator:
    """Classification of pack rows as new, duplicate, changed, or invalid. Nothing is written."""

    def __init__(self, job: ImportJob, seen: SeenRows | None = None) -> None:
        self.job = job
        self.library = LibraryLookups(job.organization)
        self.seen: SeenRows = {} if seen is None else seen

    def validate(self, rows: Sequence[PackRow]) -> list[ValidatedRow]:
        """Validate some rows in file order. Rows of earlier calls count as seen."""
        checked = [self._check_alone(row) for row in rows]
        found = self._existing([one.values for one in checked if not one.problems])
        for one in checked:
            self._compare(one, found)
        return checked

    def _existing(self, values: Sequence[dict[str, Any]]) -> ExistingScenarios:
        read = ExistingScenarios.load_scenarios if self.job.may_update else ExistingScenarios.load_keys
        return read(self.job.organization, values)

    def _check_alone(self, row: PackRow) -> ValidatedRow:
        checked = ValidatedRow(row, dict(row.values))
        checked.problems = [
            {"field": problem.field, "message": problem.message, "line": problem.line, "column": problem.column}
            for problem in row.problems
        ]
        if row.problems and not row.values:
            return checked
        for name, message in self._find_problems(checked.values, {problem["field"] for problem in checked.problems}):
            checked.problems.append(build_problem(row, name, message))
        return checked

    def _find_problems(self, values: dict[str, Any], known: set[str]) -> Iterable[tuple[str, str]]:
        """Yield field names with error messages, and normalize `values` in place."""
        for name, choices in CHOICES.items():
            text = str(values.get(name, ""))
            if fold_text(text) in choices.values:
                values[name] = fold_text(text)
            elif text.strip():
                yield name, f"“{printable_excerpt(text)}” is not one of {', '.join(choices.values)}."
            elif name != "opens":
                values.pop(name, None)  # empty means the default; only for `opens` is an empty value meaningful
        scenario = Scenario(**{name: values[name] for name in PLAIN if name in values})
        judged = set(PLAIN) - set(CHOICES) - known
        try:
            scenario.clean_fields(exclude={column.name for column in Scenario._meta.fields} - judged)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                yield name, " ".join(messages)
        try:
            if "evaluator_context" in values:
                values["evaluator_context"] = clean_context_text(str(values["evaluator_context"]))
        except ValidationError as error:
            yield "evaluator_context", " ".join(error.messages)
        yield from self._find_unknown_names(values)

    def _find_unknown_names(self, values: dict[str, Any]) -> Iterable[tuple[str, str]]:
        for name in ("category", "account"):
            if name in values:
                values[name] = values[name].strip()
        category = values.get("category", "")
        if len(category) > NAME_LIMIT:
            yield "category", f"A category's name has at most {NAME_LIMIT} characters; this has {len(category)}."
        elif category and not self.job.creates_categories and not self.library.categories.find(category):
            yield "category", f"There is no category “{category}”. {self.library.categories.suggest(category)}"
        skills = values.get("skills", [])
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            yield "skills", f"At most {MAX_SKILLS_PER_SCENARIO} skills; this row has {len(skills)}."
            skills = []
        for skill in skills:
            if not self.library.skills.find(skill):
                hint = self.library.skills.suggest(skill[:NAME_LIMIT])
                yield "skills", f"There is no skill “{printable_excerpt(skill)}”. {hint}"
        account = values.get("account", "")
        if account and not self.library.accounts.find(account):
            yield "account", f"There is no account “{printable_excerpt(account)}” (its number or name is wanted)."

    def _compare(self, checked: ValidatedRow, found: ExistingScenarios) -> None:
        if checked.problems:
            checked.outcome = ImportRow.Outcome.INVALID
            return
        here = (self.job, checked.row.number)
        job, number = self.seen.setdefault(checked.key, here)
        if (job, number) != here:
            file = "this file" if job == self.job else job.filename
            why = f"The same title stands in row {number} of {file}."
            verdict = RowVerdict(ImportRow.Outcome.DUPLICATE, ("title", why))
        else:
            verdict = found.compare(checked.values, self.library, self.job)
        checked.outcome = verdict.outcome
        if verdict.why_not:
            checked.problems.append(build_problem(checked.row, *verdict.why_not))


def build_problem(row: PackRow | ImportRow, name: str, message: str) -> dict[str, Any]:
    return {"field": name, "message": message, "line": row.line, "column": None}
