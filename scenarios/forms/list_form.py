"""Search and filters of the scenario list."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from scenarios.models import Category, Difficulty, ImportRow, Mode, Scenario, ScenarioDraft, ScenarioQuerySet, Skill

PAGE_SIZES = (25, 50, 100)
NONE = "none"  # value of a filter for scenarios without a category or an account


@dataclass(frozen=True)
class FilterChoice:
    label: str
    query: str  # of the list with this choice
    is_current: bool


@dataclass(frozen=True)
class ListFilter:
    """One filter of the list. `label` is that of the choice in use, or of the filter if none is."""

    name: str
    label: str
    choices: list[FilterChoice]
    is_used: bool


class ScenarioListForm(forms.Form):
    """Unknown values are ignored, so that an old link still shows a list."""

    SHELVES = (("", _("Library")), ("one-time", _("One-time")), ("inactive", _("Inactive")), ("all", _("All")))
    SOURCES = (("written", _("Written here")), ("imported", _("Imported")), ("complaint", _("From a complaint")))

    q = forms.CharField(required=False, max_length=200, label=_("Search"))

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.query = data
        self.choices: dict[str, list[tuple[str, str]]] = {
            "shelf": [(value, str(label)) for value, label in self.SHELVES],
            "mode": [(value, str(label)) for value, label in Mode.choices],
            "source": [(value, str(label)) for value, label in self.SOURCES],
            "category": [*_named(Category.objects.for_user(user)), (NONE, gettext("No category"))],
            "difficulty": [(value, str(label)) for value, label in Difficulty.choices],
            "skill": _named(Skill.objects.for_user(user)),
            "account": [*_named(Account.objects.for_user(user)), (NONE, gettext("The whole center"))],
        }
        self.names = {
            "category": gettext("Category"),
            "source": gettext("Source"),
            "difficulty": gettext("Level"),
            "skill": gettext("Skill"),
            "account": gettext("Account"),
        }

    def chosen(self, name: str) -> str:
        value = self.query.get(name, "")
        return value if value in dict(self.choices[name]) else ""

    @property
    def per_page(self) -> int:
        size = self.query.get("size", "")
        return int(size) if size in [str(one) for one in PAGE_SIZES] else PAGE_SIZES[0]

    @property
    def is_filtered(self) -> bool:
        return any(self.chosen(name) for name in self.choices) or bool(self.query.get("q", "").strip())

    def narrow(self, scenarios: ScenarioQuerySet) -> ScenarioQuerySet:
        rows = scenarios.annotate(
            is_imported=Exists(ImportRow.objects.filter(pk=OuterRef("pk"))),
            is_from_complaint=Exists(ScenarioDraft.objects.filter(scenario=OuterRef("pk"))),
        )
        rows = rows.filter(self._shelf(), self._source(), **self._equalities())
        if text := (self.cleaned_data.get("q", "") if self.is_valid() else "").strip():
            rows = rows.filter(Q(title__icontains=text) | Q(description__icontains=text) | Q(prompt__icontains=text))
        return rows.select_related("category", "account", "changed_by").order_by("title", "pk")

    def _shelf(self) -> Q:
        shelves = {"one-time": Q(is_one_time=True), "inactive": Q(is_active=False), "all": Q()}
        return shelves.get(self.chosen("shelf"), Q(is_one_time=False))

    def _source(self) -> Q:
        sources = {
            "imported": Q(is_imported=True),
            "complaint": Q(is_from_complaint=True),
            "written": Q(is_imported=False, is_from_complaint=False),
        }
        return sources.get(self.chosen("source"), Q())

    def _equalities(self) -> dict[str, Any]:
        fields = {"mode": "mode", "difficulty": "difficulty", "category": "category", "account": "account"}
        chosen = {field: self.chosen(name) for name, field in (fields | {"skill": "skills"}).items()}
        return {field: None if value == NONE else value for field, value in chosen.items() if value}

    # For the template

    @property
    def shelves(self) -> list[FilterChoice]:
        return self._choices("shelf")

    @property
    def modes(self) -> list[FilterChoice]:
        """Modes as chips. The current one leads back to both."""
        chosen = self.chosen("mode")
        return [
            FilterChoice(label, self._with("mode", "" if value == chosen else value), value == chosen)
            for value, label in self.choices["mode"]
        ]

    @property
    def menus(self) -> list[ListFilter]:
        found = []
        for name, label in self.names.items():
            chosen = self.chosen(name)
            every = FilterChoice(gettext("All"), self._with(name, ""), not chosen)
            current = dict(self.choices[name]).get(chosen, label) if chosen else label
            found.append(ListFilter(name, current, [every, *self._choices(name)], bool(chosen)))
        return found

    @property
    def sizes(self) -> list[FilterChoice]:
        return [FilterChoice(str(size), self._with("size", str(size)), size == self.per_page) for size in PAGE_SIZES]

    def _choices(self, name: str) -> list[FilterChoice]:
        return [
            FilterChoice(label, self._with(name, value), value == self.chosen(name))
            for value, label in self.choices[name]
        ]

    def _with(self, name: str, value: str) -> str:
        """Return the query of the first page with another value of one filter."""
        query = self.query.copy()
        query.pop("page", None)
        query.pop(name, None)
        if value:
            query[name] = value
        return f"?{query.urlencode()}"


class SelectionForm(forms.Form):
    """Scenarios selected in the list."""

    selected = forms.ModelMultipleChoiceField(
        queryset=Scenario.objects.none(),
        error_messages={"required": _("Nothing was changed. Select at least one scenario.")},
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["selected"].queryset = Scenario.objects.for_user(user)  # type: ignore[attr-defined]

    @property
    def scenarios(self) -> ScenarioQuerySet:
        chosen: ScenarioQuerySet = self.cleaned_data["selected"]
        return chosen


def _named(rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(row.pk), str(row)) for row in rows]
