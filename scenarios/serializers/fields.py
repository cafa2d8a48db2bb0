import difflib
from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from accounts.http import person
from accounts.models import Account
from scenarios.models import Category, Skill
from scenarios.packs.rows import shown
from scenarios.services.contexts import check_context
from scenarios.services.import_library import Accounts, Named
from scenarios.surveys import Survey, cleaned_survey

_MOST_NAMED = 20


class KnownFieldsOnly(serializers.Serializer[Any]):
    """Refuses what it does not know: a misspelt field that is ignored is a change that is lost."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            unknown = islice((shown(str(name)) for name in data if name not in known), _MOST_NAMED)
            if errors := {name: [self._unknown(name, known)] for name in unknown}:
                raise serializers.ValidationError(errors)
        return super().to_internal_value(data)

    def _unknown(self, name: str, known: list[str]) -> str:
        if name in self.fields:
            return "This cannot be set here."
        near = difflib.get_close_matches(name, known, 1)
        return f"There is no such field. Did you mean “{near[0]}”?" if near else "There is no such field."


class LongTextField(serializers.CharField):
    """Text as it is typed, with one character at each line's end."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False} | kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).replace("\r\n", "\n")


class ContextField(LongTextField):
    def to_internal_value(self, data: Any) -> str:
        return check_context(super().to_internal_value(data))


@extend_schema_field(OpenApiTypes.STR)
class NamedField(serializers.RelatedField[Any, Any, str]):
    """One of the organization's categories or skills, by its name."""

    default_error_messages: ClassVar = {"no_name": "A name is wanted here.", "unknown": "{message}"}

    @cached_property
    def rows(self) -> dict[int, Category | Skill]:
        queryset = self.get_queryset()
        assert queryset is not None
        return {row.pk: row for row in queryset.filter(organization=person(self.context["request"]).organization_id)}

    @cached_property
    def named(self) -> Named:
        return Named(self.rows.values())

    def to_internal_value(self, data: Any) -> Category | Skill:
        if not isinstance(data, str):
            self.fail("no_name")
        found = self.named.find(data)
        if found is None:
            kind = "skill" if isinstance(self.parent, serializers.ManyRelatedField) else "category"
            self.fail("unknown", message=f"There is no {kind} “{shown(data)}”. {self.named.closest(data)}")
        return self.rows[found]

    def to_representation(self, value: Any) -> str:
        return str(value)


class AccountField(serializers.PrimaryKeyRelatedField[Account]):
    """One of the organization's accounts, by its id."""

    default_error_messages: ClassVar = {"does_not_exist": "There is no account {pk_value}."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Account.objects.all(), pk_field=serializers.UUIDField(), **kwargs)

    def get_queryset(self) -> models.QuerySet[Account]:
        return Account.objects.for_user(person(self.context["request"]))


class _SurveySchema(serializers.Serializer[Any]):
    age = serializers.CharField(required=False, max_length=20)
    area = serializers.CharField(required=False, max_length=100)
    concerns = serializers.CharField(required=False, max_length=300)
    upset = serializers.IntegerField(required=False, min_value=1, max_value=5)
    suicide = serializers.CharField(required=False, help_text="yes, no, unsure or skipped")


@extend_schema_field(_SurveySchema)
class SurveyField(serializers.Field[Survey, Any, Any, Any]):
    """What the visitor of a chat filled in before it; `{}` for nothing."""

    def to_internal_value(self, data: Any) -> Survey:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("An object is wanted here.")
        try:
            return cleaned_survey(data)
        except DjangoValidationError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error

    def to_representation(self, value: Any) -> Any:
        return value


class AnyAccountField(serializers.CharField):
    """One of the organization's accounts, by its number, id or name."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        account = Accounts(Account.objects.for_user(person(self.context["request"]))).find(text)
        if account is None:
            raise serializers.ValidationError(f"There is no account “{shown(text)}” (its number or id is wanted).")
        return account
