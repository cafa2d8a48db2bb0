"""Matching of pack rows with the organization's names and existing scenarios."""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Account, Organization
from accounts.web.visible_text import is_blank, strip_blank
from scenarios.models import Category, ImportJob, ImportRow, Scenario, ScenarioQuerySet, Skill, fold_text, title_key
from scenarios.packs.columns import normalize_value
from scenarios.packs.csv_cells import NO_VALUE
from scenarios.packs.rows import PackValue
from scenarios.services.evaluator_contexts import read_evaluator_contexts

# Columns whose values are stored in the scenario's row. The other columns refer to other rows or to a file.
ROW_COLUMNS = (
    "title",
    "prompt",
    "description",
    "content_notes",
    "mode",
    "difficulty",
    "estimated_minutes",
    "opens",
    "patience",
    "relevant_policy_sections",
    "is_one_time",
    "is_active",
)
_MAX_LISTED_NAMES = 8
ScenarioFields = dict[str, PackValue | UUID | None]  # model values by field name
_MAX_COMPARED = 1_000  # unknown names of one pack that are compared with the known ones


def normalize_name(name: str) -> str:
    """Return a form of the name that is equal for `risk_assessment`, `Risk assessment`, and `RISK-ASSESSMENT`."""
    return " ".join(re.split(r"[\s_-]+", fold_text(name))).strip()


class NameLookup:
    """An organization's categories or skills by exact name, then by normalized name."""

    def __init__(self, rows: Iterable[Category | Skill]) -> None:
        self.names: dict[str, int] = {}
        self.normalized_names: dict[str, int] = {}
        self._hints: dict[str, str] = {}
        for row in rows:
            self.add(row.name, row.pk)

    def add(self, name: str, pk: int) -> None:
        self.names[name] = pk
        self.normalized_names.setdefault(normalize_name(name), pk)

    def find(self, name: str) -> int | None:
        """Return the id of the row with this name. Quotation marks around it are ignored."""
        found = self.names.get(name) or self.normalized_names.get(normalize_name(name))
        return found or self.normalized_names.get(normalize_name(name.strip("“”„\"'‘’")))

    def split(self, name: str) -> list[str]:
        """Split “Calm, Listening” or “Calm | Listening” if at least one part is known.

        Otherwise, return the text as one name. Return [] for words such as “none”, unless something has that name.
        """
        if strip_blank(name).lower() in NO_VALUE and not self.find(name):
            return []
        parts = [part.strip() for part in re.split(r"[,|]", name) if part.strip()]
        is_list = len(parts) > 1 and not self.find(name) and any(map(self.find, parts))
        return parts if is_list else [name]

    def suggest(self, name: str) -> str:
        """Return a hint for an unknown name: `Did you mean …?` or a list of the existing names."""
        # Hints are cached because a pack repeats a few misspelled names in many rows, and comparing is slow.
        if name not in self._hints and len(self._hints) < _MAX_COMPARED:
            self._hints[name] = self._suggest_closest(name)
        return self._hints.get(name) or self._list_names()

    def _suggest_closest(self, name: str) -> str:
        closest = difflib.get_close_matches(normalize_name(name), self.normalized_names, 1, 0.75)
        if not closest:
            return ""
        intended = next(known for known in self.names if normalize_name(known) == closest[0])
        return _("Did you mean “%(name)s”?") % {"name": intended}

    def _list_names(self) -> str:
        if not self.names:
            return _("There are none yet.")
        names = {"names": ", ".join(sorted(self.names)[:_MAX_LISTED_NAMES])}
        return (
            _("Available: %(names)s, …") % names
            if len(self.names) > _MAX_LISTED_NAMES
            else _("Available: %(names)s.") % names
        )


class AccountLookup:
    """An organization's accounts by number, by id, and by name if the name is unique."""

    def __init__(self, rows: Iterable[Account]) -> None:
        accounts = list(rows)
        names = [fold_text(account.name) for account in accounts]
        self.accounts_by_key = {
            name: account for name, account in zip(names, accounts, strict=True) if names.count(name) == 1
        }
        self.accounts_by_key |= {str(account.pk): account for account in accounts}
        self.accounts_by_key |= {account.number: account for account in accounts if account.number}

    def find(self, text: str) -> Account | None:
        text = strip_blank(text)
        # Spreadsheets turn the number 717 into 717.0.
        whole = re.sub(r"\A0*(\d+)(?:\.0+)?\Z", r"\1", text)
        keys = (text, fold_text(text), text.removesuffix(".0"), whole)
        return next((account for key in keys if (account := self.accounts_by_key.get(key))), None)

    def shortest_name(self, account: Account) -> str:
        """Return the account's number, else its name, else its id: the first that `find` resolves to this account."""
        names = [account.number, account.name, str(account.pk)]
        return next(name for name in names if name and self.find(name) == account)


class LibraryLookups:
    """An organization's names for matching pack rows. Each lookup runs at most one query, however many rows use it."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    @cached_property
    def categories(self) -> NameLookup:
        return NameLookup(self.organization.categories.all())

    @cached_property
    def skills(self) -> NameLookup:
        return NameLookup(self.organization.skills.all())

    @cached_property
    def accounts(self) -> AccountLookup:
        return AccountLookup(self.organization.accounts.all())


def row_key(values: Mapping[str, Any]) -> str:
    """Return a key that is equal for rows describing the same scenario.

    One-time scenarios may share a title, so their key includes the prompt.
    """
    key = title_key(str(values.get("title", "")))
    return _one_time_key(key, values.get("prompt", "")) if values.get("is_one_time") else key


def _one_time_key(key: str, prompt: str) -> str:
    return f"{key} {hashlib.sha256(prompt.encode(errors='surrogatepass')).hexdigest()}"


@dataclass(frozen=True)
class RowVerdict:
    """Result of comparing a row with the current library. `problem` is set if the row cannot be imported."""

    outcome: str = ImportRow.Outcome.NEW
    problem: tuple[str, str] | None = None  # field and message
    scenario: Scenario | None = None  # the scenario to update
    changed: ScenarioFields = field(default_factory=dict)  # new values by field


@dataclass
class ExistingScenarios:
    """The organization's scenarios that rows may duplicate, by `row_key`."""

    keys: set[str]  # every `row_key` in use
    scenarios: dict[str, list[Scenario]] = field(default_factory=dict)  # library scenarios by title key
    contexts: Mapping[UUID, str] = field(default_factory=dict)  # evaluator contexts by scenario id

    @classmethod
    def load_keys(cls, organization: Organization, values: Sequence[Mapping[str, Any]]) -> "ExistingScenarios":
        same = _scenarios_with_titles(organization, values)
        library = set(same.library().values_list("title_key", flat=True))
        return cls(library | _one_time_keys(same, values))

    @classmethod
    def load_scenarios(
        cls, organization: Organization, values: Sequence[Mapping[str, Any]], contexts: Mapping[UUID, str] | None = None
    ) -> "ExistingScenarios":
        """Load the library scenarios that have these titles, locked if a transaction is open.

        Without `contexts`, read the evaluator contexts that rows may change. Do not do this in a transaction, because
        the storage may be slow.
        """
        same = _scenarios_with_titles(organization, values)
        rows = same.library().select_for_update() if connection.in_atomic_block else same.library()
        found = cls(_one_time_keys(same, values))
        for scenario in rows.order_by("pk").prefetch_related("skills"):
            found.scenarios.setdefault(scenario.title_key, []).append(scenario)
        found.keys |= found.scenarios.keys()
        found.contexts = found.read_contexts(values) if contexts is None else contexts
        return found

    def read_contexts(self, values: Iterable[Mapping[str, Any]]) -> dict[UUID, str]:
        keys = {row_key(row_values) for row_values in values if "evaluator_context" in row_values}
        return read_evaluator_contexts(scenario for key in keys for scenario in self.scenarios.get(key, []))

    @cached_property
    def assigned(self) -> set[UUID]:
        ids = [scenario.pk for scenarios in self.scenarios.values() for scenario in scenarios]
        return set(Scenario.objects.filter(pk__in=ids, assignments__isnull=False).values_list("pk", flat=True))

    def compare(self, values: Mapping[str, Any], library: LibraryLookups, job: ImportJob) -> RowVerdict:
        key = row_key(values)
        if key not in self.keys:
            return RowVerdict()
        if job.may_update and values.get("is_one_time"):
            return RowVerdict(ImportRow.Outcome.DUPLICATE, ("is_one_time", _("One-time scenarios are not updated.")))
        existing = self.scenarios.get(key, [])
        changed = [
            find_changes(scenario, values, library, job, self.contexts.get(scenario.pk)) for scenario in existing
        ]
        if not existing or not all(changed):
            return RowVerdict(ImportRow.Outcome.DUPLICATE)
        if len(existing) > 1:
            message = _(
                "%(count)s scenarios have this title, so it isn’t clear which one to update. Rename all but one."
            )
            return RowVerdict(ImportRow.Outcome.INVALID, ("title", message % {"count": len(existing)}))
        if "mode" in changed[0] and existing[0].pk in self.assigned:
            message = _("The mode is locked because this scenario has been assigned.")
            return RowVerdict(ImportRow.Outcome.INVALID, ("mode", message))
        return RowVerdict(ImportRow.Outcome.CHANGED, None, existing[0], changed[0])


def _scenarios_with_titles(organization: Organization, values: Iterable[Mapping[str, Any]]) -> ScenarioQuerySet:
    keys = {title_key(str(row_values.get("title", ""))) for row_values in values}
    return Scenario.objects.filter(organization=organization).with_title_keys(keys)


def _one_time_keys(same: ScenarioQuerySet, values: Iterable[Mapping[str, Any]]) -> set[str]:
    if not any(row_values.get("is_one_time") for row_values in values):
        return set()
    return {_one_time_key(key, prompt) for key, prompt in same.one_time().values_list("title_key", "prompt")}


def plain_fields(values: Mapping[str, Any], library: LibraryLookups, job: ImportJob) -> ScenarioFields:
    """Return the model values of the columns that a row sets. Names become ids, and an empty name becomes None."""
    fields: ScenarioFields = {name: values[name] for name in ROW_COLUMNS if name in values}
    if "category" in values:
        fields["category_id"] = library.categories.find(values["category"]) if values["category"] else None
    if "account" in values:
        account = library.accounts.find(values["account"]) if values["account"] else None
        fields["account_id"] = account.pk if account else None
    elif job.account_id:
        fields["account_id"] = job.account_id
    return fields


def skill_ids(values: Mapping[str, Any], library: LibraryLookups) -> list[int]:
    found = [library.skills.find(name) for name in values.get("skills", [])]
    return list(dict.fromkeys(pk for pk in found if pk is not None))


def _is_same(name: str, stored: Any, value: object) -> bool:
    """Return True if a value reads the same as the stored one, so that importing an export changes nothing."""
    stored = normalize_value(name, stored)
    if stored == value or not (isinstance(stored, str) and isinstance(value, str)):
        return bool(stored == value)
    return (is_blank(stored) and is_blank(value)) or (name == "title" and strip_blank(stored) == strip_blank(value))


def find_changes(
    scenario: Scenario,
    values: Mapping[str, Any],
    library: LibraryLookups,
    job: ImportJob,
    evaluator_context: str | None,
) -> ScenarioFields:
    """Return the fields of the scenario that a row would change. Columns missing from the row are left unchanged."""
    fields = plain_fields(values, library, job)
    changed = {name: value for name, value in fields.items() if not _is_same(name, getattr(scenario, name), value)}
    if values.get("category") and fields["category_id"] is None:
        changed["category_id"] = None  # created when the row is written
    if "skills" in values and set(skill_ids(values, library)) != {skill.pk for skill in scenario.skills.all()}:
        changed["skills"] = values["skills"]
    if "evaluator_context" in values and values["evaluator_context"] != evaluator_context:
        changed["evaluator_context"] = values["evaluator_context"]
    return changed
