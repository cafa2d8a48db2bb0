"""Query filters of the scenario list and export."""

from typing import TypeVar

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError

from accounts.models import Account
from accounts.web.requests import authenticated_user
from scenarios.models import Category, Difficulty, Mode, Scenario, ScenarioQuerySet, Skill
from scenarios.services.import_matching import AccountLookup, NameLookup

YES_OR_NO = [("true", "true"), ("false", "false")]
NO_CATEGORY = "none"

Row = TypeVar("Row", Category, Skill)


class ScenarioFilterSet(filters.FilterSet):
    """Filters for scenario lists and exports. An unknown value is rejected, not ignored."""

    is_one_time = filters.ChoiceFilter(choices=[*YES_OR_NO, ("any", "any")], method="of_kind")
    mode = filters.ChoiceFilter(choices=Mode.choices)
    category = filters.CharFilter(
        method="in_category", help_text=_("A name, or `none` for scenarios without a category.")
    )
    skill = filters.CharFilter(method="with_skill", help_text=_("A name."))
    difficulty = filters.ChoiceFilter(choices=Difficulty.choices)
    account = filters.CharFilter(method="of_account", help_text=_("An ID or a number."))
    is_active = filters.TypedChoiceFilter(choices=YES_OR_NO, coerce=lambda text: text == "true")
    search = filters.CharFilter(method="with_text", help_text=_("Searches the title, description, and prompt."))

    class Meta:
        model = Scenario
        fields: list[str] = []

    def filter_queryset(self, queryset: ScenarioQuerySet) -> ScenarioQuerySet:
        found: ScenarioQuerySet = super().filter_queryset(queryset)
        return found if self.form.cleaned_data["is_one_time"] else found.library()

    def of_kind(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        return {"true": queryset.one_time, "false": queryset.library, "any": queryset.all}[value]()

    def in_category(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        if value == NO_CATEGORY:
            return queryset.filter(category=None)
        return queryset.filter(category=self._find_named(Category, name, value))

    def with_skill(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        return queryset.filter(skills=self._find_named(Skill, name, value))

    def _find_named(self, model: type[Row], name: str, value: str) -> int:
        rows = NameLookup(model.objects.for_user(authenticated_user(self.request)))
        found = rows.find(value)
        if found is None:
            problem = (
                gettext("There is no category “%(name)s”. %(hint)s")
                if model is Category
                else gettext("There is no skill “%(name)s”. %(hint)s")
            )
            raise ValidationError({name: problem % {"name": value, "hint": rows.suggest(value)}})
        return found

    def of_account(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        account = AccountLookup(Account.objects.for_user(authenticated_user(self.request))).find(value)
        if account is None:
            problem = gettext("There is no account “%(name)s”. Enter its number or ID.")
            raise ValidationError({name: problem % {"name": value}})
        return queryset.filter(account=account)

    def with_text(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        return queryset.filter(Q(title__icontains=value) | Q(description__icontains=value) | Q(prompt__icontains=value))
