"""Validation of pack rows against the library."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

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
from scenarios.services.message_translation import translate

CHOICES = {"mode": Mode, "difficulty": Difficulty, "opens": Opener, "patience": Patience}

# Import and row number of the first row with each `row_key`. Files imported together share one mapping.
SeenRows = dict[str, tuple[ImportJob, int]]


class StoredProblem(TypedDict):
    """A reason that a row cannot be imported, as stored with the row."""

    field: str  # column name, or ""
    message: str
    line: int | None
    column: int | None


@dataclass
class ValidatedRow:
    """A pack row with its outcome."""

    row: PackRow
    values: dict[str, Any]  # normalized column values
    problems: list[StoredProblem] = field(default_factory=list)
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
        """Validate some rows in file order. Rows of earlier calls count as already seen."""
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
            {
                "field": problem.field,
                "message": translate(problem.message),
                "line": problem.line,
                "column": problem.column,
            }
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
                problem = _("“%(text)s” is not one of these: %(choices)s.")
                yield name, problem % {"text": printable_excerpt(text), "choices": ", ".join(choices.values)}
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
            problem = _("This category name has %(count)s characters. The limit is %(most)s.")
            yield "category", problem % {"count": len(category), "most": NAME_LIMIT}
        elif category and not self.job.creates_categories and not self.library.categories.find(category):
            problem = _("There is no category “%(name)s”. %(hint)s")
            yield "category", problem % {"name": category, "hint": self.library.categories.suggest(category)}
        skills = values.get("skills", [])
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            problem = _("A scenario has at most %(most)s skills. This row has %(count)s.")
            yield "skills", problem % {"most": MAX_SKILLS_PER_SCENARIO, "count": len(skills)}
            skills = []
        for skill in skills:
            if not self.library.skills.find(skill):
                hint = self.library.skills.suggest(skill[:NAME_LIMIT])
                problem = _("There is no skill “%(name)s”. %(hint)s")
                yield "skills", problem % {"name": printable_excerpt(skill), "hint": hint}
        account = values.get("account", "")
        if account and not self.library.accounts.find(account):
            problem = _("There is no account “%(name)s”. Enter its number or name.")
            yield "account", problem % {"name": printable_excerpt(account)}

    def _compare(self, checked: ValidatedRow, found: ExistingScenarios) -> None:
        if checked.problems:
            checked.outcome = ImportRow.Outcome.INVALID
            return
        here = (self.job, checked.row.number)
        job, number = self.seen.setdefault(checked.key, here)
        if (job, number) != here:
            verdict = RowVerdict(ImportRow.Outcome.DUPLICATE, ("title", self._repeated_title_message(job, number)))
        else:
            verdict = found.compare(checked.values, self.library, self.job)
        checked.outcome = verdict.outcome
        if verdict.why_not:
            checked.problems.append(build_problem(checked.row, *verdict.why_not))

    def _repeated_title_message(self, job: ImportJob, number: int) -> str:
        if job == self.job:
            return _("Row %(row)s of this file has the same title.") % {"row": number}
        return _("Row %(row)s of %(file)s has the same title.") % {"row": number, "file": job.filename}


def build_problem(row: PackRow | ImportRow, name: str, message: str) -> StoredProblem:
    return {"field": name, "message": message, "line": row.line, "column": None}
