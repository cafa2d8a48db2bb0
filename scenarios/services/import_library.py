import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Account, Organization
from scenarios.models import Category, ImportJob, ImportRow, Scenario, ScenarioQuerySet, Skill, folded, title_key
from scenarios.packs.columns import tidied
from scenarios.services.contexts import read_contexts

# What a row says of a scenario in so many words; the rest names other rows.
PLAIN = (
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
_MOST_NAMED = 8
_MOST_COMPARED = 1_000  # unknown names of one pack


def matching_name(name: str) -> str:
    """`risk_assessment`, `Risk assessment` and `RISK-ASSESSMENT` name the same."""
    return " ".join(re.split(r"[\s_-]+", folded(name))).strip()


class Named:
    """The organization's categories or skills by name: as it is written, else by what it comes to."""

    def __init__(self, rows: Iterable[Category | Skill]) -> None:
        self.names: dict[str, int] = {}
        self.alike: dict[str, int] = {}
        self._hints: dict[str, str] = {}
        for row in rows:
            self.add(row.name, row.pk)

    def add(self, name: str, pk: int) -> None:
        self.names[name] = pk
        self.alike.setdefault(matching_name(name), pk)

    def find(self, name: str) -> int | None:
        return self.names.get(name) or self.alike.get(matching_name(name))

    def closest(self, name: str) -> str:
        """A hint for whoever misspelt one: `Did you mean …?` or what there is."""
        # A pack misspells a few names in many rows, and comparing is slow.
        if name not in self._hints and len(self._hints) < _MOST_COMPARED:
            self._hints[name] = self._near(name)
        return self._hints.get(name) or self._listed()

    def _near(self, name: str) -> str:
        near = difflib.get_close_matches(matching_name(name), self.alike, 1, 0.75)
        return f"Did you mean “{next(own for own in self.names if matching_name(own) == near[0])}”?" if near else ""

    def _listed(self) -> str:
        shown = ", ".join(sorted(self.names)[:_MOST_NAMED]) or "none"
        return f"There are: {shown}{', …' if len(self.names) > _MOST_NAMED else '.'}"


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


class Library:
    """What the rows of a pack are compared with: at most one query for each kind of thing, however many rows."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    @cached_property
    def categories(self) -> Named:
        return Named(self.organization.categories.all())

    @cached_property
    def skills(self) -> Named:
        return Named(self.organization.skills.all())

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.organization.accounts.all())


def row_key(values: Mapping[str, Any]) -> str:
    """What makes two rows the same. Scenarios made for one person may share a title: their prompts tell them apart."""
    key = title_key(str(values.get("title", "")))
    return _one_time_key(key, values.get("prompt", "")) if values.get("is_one_time") else key


def _one_time_key(key: str, prompt: str) -> str:
    return f"{key} {hashlib.sha256(prompt.encode(errors='surrogatepass')).hexdigest()}"


@dataclass(frozen=True)
class Verdict:
    """What a row comes to beside the library as it stands; the field and the reason where it cannot be taken."""

    outcome: str = ImportRow.Outcome.NEW
    why_not: tuple[str, str] | None = None
    scenario: Scenario | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Existing:
    """The organization's scenarios that some rows may double, by `row_key`."""

    keys: set[str]
    scenarios: dict[str, list[Scenario]] = field(default_factory=dict)
    contexts: Mapping[UUID, str] = field(default_factory=dict)

    @classmethod
    def of(cls, organization: Organization, values: Sequence[Mapping[str, Any]]) -> "Existing":
        same = _same_titles(organization, values)
        library = set(same.library().values_list("title_key", flat=True))
        return cls(library | _one_time_keys(same, values))

    @classmethod
    def whole(
        cls, organization: Organization, values: Sequence[Mapping[str, Any]], contexts: Mapping[UUID, str] | None = None
    ) -> "Existing":
        """With the library's scenarios themselves, locked where a transaction is under way.

        Without `contexts` the texts are read that rows may change: never in a transaction, the storage may be far away.
        """
        same = _same_titles(organization, values)
        rows = same.library().select_for_update() if connection.in_atomic_block else same.library()
        found = cls(_one_time_keys(same, values))
        for scenario in rows.order_by("pk").prefetch_related("skills"):
            found.scenarios.setdefault(scenario.title_key, []).append(scenario)
        found.keys |= found.scenarios.keys()
        found.contexts = found.read_contexts(values) if contexts is None else contexts
        return found

    def read_contexts(self, values: Iterable[Mapping[str, Any]]) -> dict[UUID, str]:
        keys = {row_key(one) for one in values if "evaluator_context" in one}
        return read_contexts(scenario for key in keys for scenario in self.scenarios.get(key, []))

    @cached_property
    def assigned(self) -> set[UUID]:
        ids = [scenario.pk for some in self.scenarios.values() for scenario in some]
        return set(Scenario.objects.filter(pk__in=ids, assignments__isnull=False).values_list("pk", flat=True))

    def judge(self, values: Mapping[str, Any], library: Library, job: ImportJob) -> Verdict:
        key = row_key(values)
        if key not in self.keys:
            return Verdict()
        if job.may_update and values.get("is_one_time"):
            return Verdict(ImportRow.Outcome.DUPLICATE, ("is_one_time", "One-time scenarios are not updated."))
        there = self.scenarios.get(key, [])
        changed = [changes(one, values, library, job, self.contexts.get(one.pk)) for one in there]
        if not there or not all(changed):
            return Verdict(ImportRow.Outcome.DUPLICATE)
        if len(there) > 1:
            text = f"{len(there)} scenarios have this title, so it is not clear which to update. Rename all but one."
            return Verdict(ImportRow.Outcome.INVALID, ("title", text))
        if "mode" in changed[0] and there[0].pk in self.assigned:
            text = "The mode is locked: this scenario has been assigned."
            return Verdict(ImportRow.Outcome.INVALID, ("mode", text))
        return Verdict(ImportRow.Outcome.CHANGED, None, there[0], changed[0])


def _same_titles(organization: Organization, values: Iterable[Mapping[str, Any]]) -> ScenarioQuerySet:
    keys = {title_key(str(one.get("title", ""))) for one in values}
    return Scenario.objects.filter(organization=organization).titled(keys)


def _one_time_keys(same: ScenarioQuerySet, values: Iterable[Mapping[str, Any]]) -> set[str]:
    if not any(one.get("is_one_time") for one in values):
        return set()
    return {_one_time_key(key, prompt) for key, prompt in same.one_time().values_list("title_key", "prompt")}


def plain_fields(values: Mapping[str, Any], library: Library, job: ImportJob) -> dict[str, Any]:
    """The columns that a row sets, as the model has them: names become ids, and a blank name means none."""
    fields = {name: values[name] for name in PLAIN if name in values}
    if "category" in values:
        fields["category_id"] = library.categories.find(values["category"]) if values["category"] else None
    if "account" in values:
        account = library.accounts.find(values["account"]) if values["account"] else None
        fields["account_id"] = account.pk if account else None
    elif job.account_id:
        fields["account_id"] = job.account_id
    return fields


def skill_ids(values: Mapping[str, Any], library: Library) -> list[int]:
    found = [library.skills.find(name) for name in values.get("skills", [])]
    return list(dict.fromkeys(pk for pk in found if pk is not None))


def changes(
    scenario: Scenario, values: Mapping[str, Any], library: Library, job: ImportJob, evaluator_context: str | None
) -> dict[str, Any]:
    """What a row would change of a scenario; columns that it does not have are left as they are."""
    fields = plain_fields(values, library, job)
    changed = {name: value for name, value in fields.items() if tidied(name, getattr(scenario, name)) != value}
    if values.get("category") and fields["category_id"] is None:
        changed["category_id"] = None  # it is not there yet, and will be
    if "skills" in values and set(skill_ids(values, library)) != {skill.pk for skill in scenario.skills.all()}:
        changed["skills"] = values["skills"]
    if "evaluator_context" in values and values["evaluator_context"] != evaluator_context:
        changed["evaluator_context"] = values["evaluator_context"]
    return changed
