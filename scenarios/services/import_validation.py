"""Validation of pack rows against the library."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.web.visible_text import is_blank, strip_blank
from scenarios.models import (
    MAX_SKILLS_PER_SCENARIO,
    NAME_LIMIT,
    ImportJob,
    ImportRow,
    Scenario,
)
from scenarios.packs.columns import REQUIRED_COLUMNS
from scenarios.packs.csv_cells import NO_VALUE
from scenarios.packs.rows import PackRow, printable_excerpt
from scenarios.services.choice_words import CHOICES, find_choice
from scenarios.services.evaluator_contexts import clean_context_text
from scenarios.services.import_matching import ROW_COLUMNS, ExistingScenarios, LibraryLookups, RowVerdict, row_key
from scenarios.services.message_translation import translate

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

    @property
    def is_to_be_written(self) -> bool:
        return self.outcome in {ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED}


class RowValidator:
    """Validator that classifies pack rows as new, duplicate, changed, or invalid. It writes nothing."""

    def __init__(self, job: ImportJob, seen: SeenRows | None = None) -> None:
        self.job = job
        self.library = LibraryLookups(job.organization)
        self.seen: SeenRows = {} if seen is None else seen

    def validate(self, rows: Sequence[PackRow]) -> list[ValidatedRow]:
        """Validate a batch of rows in file order. Rows from earlier calls count as already seen."""
        checked = [self._validate_fields(row) for row in rows]
        found = self._load_existing([row.values for row in checked if not row.problems])
        for row in checked:
            self._compare(row, found)
        return checked

    def _load_existing(self, values: Sequence[dict[str, Any]]) -> ExistingScenarios:
        load = ExistingScenarios.load_scenarios if self.job.may_update else ExistingScenarios.load_keys
        return load(self.job.organization, values)

    def _validate_fields(self, row: PackRow) -> ValidatedRow:
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

    def _find_problems(self, values: dict[str, Any], reported: set[str]) -> Iterable[tuple[str, str]]:
        """Yield field names with error messages, and normalize `values` in place."""
        remove_empty_values(values)
        for name, choices in CHOICES.items():
            text = str(values.get(name, ""))
            if found := find_choice(name, text):
                values[name] = found
            elif not is_blank(text):
                problem = _("“%(text)s” is not one of these: %(choices)s.")
                yield name, problem % {"text": printable_excerpt(text), "choices": ", ".join(choices.values)}
            elif name != "opens":
                values.pop(name, None)  # empty means the default, except for `opens`
        scenario = Scenario(**{name: values[name] for name in ROW_COLUMNS if name in values})
        checked_fields = set(ROW_COLUMNS) - set(CHOICES) - reported
        try:
            scenario.clean_fields(exclude={column.name for column in Scenario._meta.fields} - checked_fields)
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
        category = values.get("category", "")
        if len(category) > NAME_LIMIT:
            problem = _("This category name has %(count)s characters. The limit is %(most)s.")
            yield "category", problem % {"count": len(category), "most": NAME_LIMIT}
        elif category and not self.job.creates_categories and not self.library.categories.find(category):
            problem = _("There is no category “%(name)s”. %(hint)s")
            yield "category", problem % {"name": category, "hint": self.library.categories.suggest(category)}
        if "skills" in values:
            values["skills"] = [part for name in values["skills"] for part in self.library.skills.split(name)]
        skills = values.get("skills", [])
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            problem = _("A scenario can have at most %(most)s skills. This row has %(count)s.")
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
        this_row = (self.job, checked.row.number)
        job, number = self.seen.setdefault(checked.key, this_row)
        if (job, number) != this_row:
            verdict = RowVerdict(ImportRow.Outcome.DUPLICATE, ("title", self._repeated_title_message(job, number)))
        else:
            verdict = found.compare(checked.values, self.library, self.job)
        checked.outcome = verdict.outcome
        if verdict.problem:
            checked.problems.append(build_problem(checked.row, *verdict.problem))

    def _repeated_title_message(self, job: ImportJob, number: int) -> str:
        if job == self.job:
            return _("Row %(row)s of this file has the same title.") % {"row": number}
        return _("Row %(row)s of %(file)s has the same title.") % {"row": number, "file": job.filename}


_WORD_COLUMNS = {"mode", "difficulty", "opens", "patience", "category", "account"}


def remove_empty_values(values: dict[str, Any]) -> None:
    """Clear required texts and names that look empty to a person, and strip names, in place."""
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = [strip_blank(one) for one in value if not is_blank(one)]
        elif isinstance(value, str):
            values[name] = _empty_if_unseen(name, value)


def _empty_if_unseen(name: str, text: str) -> str:
    if name in _WORD_COLUMNS:
        text = strip_blank(text)
        return "" if text.lower() in NO_VALUE else text
    # Other texts may be empty. They stay exactly as they were exported.
    return "" if name in REQUIRED_COLUMNS and is_blank(text) else text


def build_problem(row: PackRow | ImportRow, name: str, message: str) -> StoredProblem:
    return {"field": name, "message": message, "line": row.line, "column": None}
