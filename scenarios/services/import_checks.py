import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import Account, Organization
from scenarios.models import (
    MAX_SKILLS,
    Category,
    Difficulty,
    ImportJob,
    ImportRow,
    Mode,
    Opener,
    Scenario,
    Skill,
    folded,
    title_key,
)
from scenarios.packs.rows import PackRow
from scenarios.services.contexts import check_context

# What a row says of a scenario in so many words; the rest names other rows.
PLAIN = (
    "title",
    "prompt",
    "description",
    "mode",
    "difficulty",
    "estimated_minutes",
    "opens",
    "relevant_policy_sections",
    "is_one_time",
    "is_active",
)
CHOICES = {"mode": Mode, "difficulty": Difficulty, "opens": Opener}
_MOST_NAMED = 8


def matching_name(name: str) -> str:
    """`risk_assessment`, `Risk assessment` and `RISK-ASSESSMENT` name the same."""
    return " ".join(re.split(r"[\s_-]+", folded(name))).strip()


class Named:
    """The organization's categories or skills by name: as it is written, else by what it comes to."""

    def __init__(self, rows: Iterable[Category | Skill]) -> None:
        self.names: dict[str, int] = {}
        self.alike: dict[str, int] = {}
        for row in rows:
            self.add(row.name, row.pk)

    def add(self, name: str, pk: int) -> None:
        self.names[name] = pk
        self.alike.setdefault(matching_name(name), pk)

    def find(self, name: str) -> int | None:
        return self.names.get(name) or self.alike.get(matching_name(name))

    def closest(self, name: str) -> str:
        """A hint for whoever misspelt one: `Did you mean …?` or what there is."""
        near = difflib.get_close_matches(matching_name(name), self.alike, 1, 0.75)
        if near:
            return f"Did you mean “{next(own for own in self.names if matching_name(own) == near[0])}”?"
        shown = ", ".join(sorted(self.names)[:_MOST_NAMED]) or "none"
        return f"There are: {shown}{', …' if len(self.names) > _MOST_NAMED else ''}."


class Accounts:
    """The organization's accounts by number, by id, and by name where only one has it."""

    def __init__(self, rows: Iterable[Account]) -> None:
        accounts = list(rows)
        names = [folded(account.name) for account in accounts]
        self.by = {name: account for name, account in zip(names, accounts, strict=True) if names.count(name) == 1}
        self.by |= {str(account.pk): account for account in accounts}
        self.by |= {account.number: account for account in accounts if account.number}

    def find(self, text: str) -> Account | None:
        return self.by.get(text.strip()) or self.by.get(folded(text))

    def name_of(self, account: Account) -> str:
        """The shortest word for it that is read back as this account and no other."""
        names = [account.number, account.name, str(account.pk)]
        return next(name for name in names if name and self.find(name) == account)


@dataclass
class Library:
    """What the rows of a pack are compared with: one query for each kind of thing, however many rows."""

    organization: Organization
    categories: Named
    skills: Named
    accounts: Accounts

    @classmethod
    def of(cls, organization: Organization) -> "Library":
        return cls(
            organization,
            Named(organization.categories.all()),
            Named(organization.skills.all()),
            Accounts(organization.accounts.all()),
        )


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


def row_key(values: Mapping[str, Any]) -> str:
    """What makes two rows the same. Scenarios made for one person may share a title: their prompts tell them apart."""
    key = title_key(str(values.get("title", "")))
    return _one_time_key(key, values.get("prompt", "")) if values.get("is_one_time") else key


def _one_time_key(key: str, prompt: str) -> str:
    return f"{key} {hashlib.sha256(prompt.encode(errors='surrogatepass')).hexdigest()}"


class RowChecker:
    """Says of each row of a pack whether it is new, there already, changed or wrong. Writes nothing."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.library = Library.of(job.organization)
        self.seen: dict[str, int] = {}

    def check(self, rows: Sequence[PackRow]) -> list[Checked]:
        """Some rows, in the order of their file; earlier ones are remembered."""
        checked = [self._check_alone(row) for row in rows]
        found = Existing.of(self.job.organization, [one.values for one in checked], self.job.may_update)
        for one in checked:
            self._compare(one, found)
        return checked

    def _check_alone(self, row: PackRow) -> Checked:
        checked = Checked(row, dict(row.values))
        checked.problems = [
            {"field": problem.field, "message": problem.message, "line": problem.line, "column": problem.column}
            for problem in row.problems
        ]
        for name, message in self._wrong(checked.values, {problem["field"] for problem in checked.problems}):
            checked.problems.append({"field": name, "message": message, "line": row.line, "column": None})
        return checked

    def _wrong(self, values: dict[str, Any], known: set[str]) -> Iterable[tuple[str, str]]:
        """Names of fields and what is wrong with them; `values` becomes what can be written."""
        for name, choices in CHOICES.items():
            if text := values.get(name):
                values[name] = folded(str(text))
                if values[name] not in choices.values:
                    yield name, f"“{text}” is not one of {', '.join(choices.values)}."
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
        category = values.get("category", "")
        if category and len(category) > 100:
            yield "category", "A category's name has at most 100 characters."
        elif category and not self.job.creates_categories and not self.library.categories.find(category):
            yield "category", f"There is no category “{category}”. {self.library.categories.closest(category)}"
        skills = values.get("skills", [])
        if len(skills) > MAX_SKILLS:
            yield "skills", f"At most {MAX_SKILLS} skills; this row has {len(skills)}."
        for skill in skills:
            if not self.library.skills.find(skill):
                yield "skills", f"There is no skill “{skill}”. {self.library.skills.closest(skill)}"
        account = values.get("account", "")
        if account and not self.library.accounts.find(account):
            yield "account", f"There is no account “{account}” (its number or name is wanted)."

    def _compare(self, checked: Checked, found: "Existing") -> None:
        first = self.seen.setdefault(checked.key, checked.row.number) if checked.values.get("title") else 0
        if checked.problems:
            checked.outcome = ImportRow.Outcome.INVALID
        elif first and first != checked.row.number:
            checked.outcome = ImportRow.Outcome.DUPLICATE
            checked.problems.append(_note(checked.row, f"The same title stands in row {first} of this file."))
        elif checked.key in found.keys:
            self._compare_with_library(checked, found)

    def _compare_with_library(self, checked: Checked, found: "Existing") -> None:
        there = found.scenarios.get(checked.key, [])
        checked.outcome = ImportRow.Outcome.DUPLICATE
        if not self.job.may_update or checked.values.get("is_one_time"):
            return
        if len(there) > 1:
            checked.outcome = ImportRow.Outcome.INVALID
            text = f"{len(there)} scenarios have this title, so it is not clear which to update. Rename all but one."
            checked.problems.append(_note(checked.row, text))
        elif there and (changed := changes(there[0], checked.values, self.library, self.job)):
            if "mode" in changed and there[0].is_assigned:
                checked.outcome = ImportRow.Outcome.INVALID
                text = "The mode is locked: this scenario has been assigned."
                checked.problems.append(_note(checked.row, text) | {"field": "mode"})
            else:
                checked.outcome = ImportRow.Outcome.CHANGED


def _note(row: PackRow, message: str) -> dict[str, Any]:
    return {"field": "title", "message": message, "line": row.line, "column": None}


@dataclass
class Existing:
    """The organization's scenarios that some rows may double, by `row_key`."""

    keys: set[str]
    scenarios: dict[str, list[Scenario]]

    @classmethod
    def of(cls, organization: Organization, values: Sequence[Mapping[str, Any]], whole: bool = False) -> "Existing":
        """With `whole`, the scenarios themselves, to be compared field by field."""
        keys = {title_key(str(one.get("title", ""))) for one in values}
        same = Scenario.objects.filter(organization=organization).titled(keys)
        library = same.library()
        found = cls(set(), {})
        if whole:
            for scenario in library.select_related("account", "category").prefetch_related("skills"):
                found.scenarios.setdefault(scenario.title_key, []).append(scenario)
            found.keys |= found.scenarios.keys()
        else:
            found.keys |= set(library.values_list("title_key", flat=True))
        if any(one.get("is_one_time") for one in values):
            pairs = same.one_time().values_list("title_key", "prompt")
            found.keys |= {_one_time_key(key, prompt) for key, prompt in pairs}
        return found


def plain_fields(values: Mapping[str, Any], library: Library, job: ImportJob) -> dict[str, Any]:
    """The columns that a row sets, as the model has them: names become ids."""
    fields = {name: values[name] for name in PLAIN if name in values}
    if values.get("category"):
        fields["category_id"] = library.categories.find(values["category"])
    account = library.accounts.find(values["account"]) if values.get("account") else None
    if account or (job.account_id and "account" not in values):
        fields["account_id"] = account.pk if account else job.account_id
    return fields


def skill_ids(values: Mapping[str, Any], library: Library) -> list[int]:
    found = [library.skills.find(name) for name in values.get("skills", [])]
    return list(dict.fromkeys(pk for pk in found if pk is not None))


def changes(scenario: Scenario, values: Mapping[str, Any], library: Library, job: ImportJob) -> dict[str, Any]:
    """What a row would change of a scenario; columns that it does not have are left as they are."""
    fields = plain_fields(values, library, job)
    changed = {name: value for name, value in fields.items() if getattr(scenario, name) != value}
    if "category" in values and "category_id" in fields and fields["category_id"] is None:
        changed["category"] = values["category"]
    if "skills" in values and set(skill_ids(values, library)) != {skill.pk for skill in scenario.skills.all()}:
        changed["skills"] = values["skills"]
    if "evaluator_context" in values and values["evaluator_context"] != scenario.evaluator_context:
        changed["evaluator_context"] = values["evaluator_context"]
    return changed
