"""Serializer fields of the scenario APIs."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import get_error_detail

from accounts.models import Account
from accounts.web.requests import authenticated_user
from accounts.web.serializers import refuse_unknown_fields
from scenarios.messages import Message
from scenarios.models import Category, Skill
from scenarios.models.visitor_survey import VisitorSurvey, clean_survey
from scenarios.packs.rows import printable_excerpt
from scenarios.services.evaluator_contexts import clean_context_text
from scenarios.services.import_matching import AccountLookup, NameLookup
from scenarios.services.message_translation import translate


@extend_schema_field(OpenApiTypes.STR)
class MessageField(serializers.Field[Message, Any, str, Any]):
    """A message from a package that does not import Django, translated to the active language."""

    def to_representation(self, value: Message) -> str:
        return translate(value)


class LongTextField(serializers.CharField):
    """Field for text with LF line endings."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False} | kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).replace("\r\n", "\n")


class EvaluatorContextField(LongTextField):
    def to_internal_value(self, data: Any) -> str:
        return clean_context_text(super().to_internal_value(data))


@extend_schema_field(OpenApiTypes.STR)
class NameRelatedField(serializers.RelatedField[Any, Any, str]):
    """One of the organization's categories or skills, by name."""

    default_error_messages: ClassVar = {"no_name": _("Enter a name."), "unknown": "{message}"}

    @cached_property
    def rows(self) -> dict[int, Category | Skill]:
        queryset = self.get_queryset()
        assert queryset is not None
        return {
            row.pk: row
            for row in queryset.filter(organization=authenticated_user(self.context["request"]).organization_id)
        }

    @cached_property
    def lookup(self) -> NameLookup:
        return NameLookup(self.rows.values())

    def to_internal_value(self, data: Any) -> Category | Skill:
        if not isinstance(data, str):
            self.fail("no_name")
        found = self.lookup.find(data)
        if found is None:
            problem = (
                gettext("There is no skill “%(name)s”. %(hint)s")
                if isinstance(self.parent, serializers.ManyRelatedField)
                else gettext("There is no category “%(name)s”. %(hint)s")
            )
            self.fail("unknown", message=problem % {"name": printable_excerpt(data), "hint": self.lookup.suggest(data)})
        return self.rows[found]

    def to_representation(self, value: Any) -> str:
        return str(value)


class AccountField(serializers.PrimaryKeyRelatedField[Account]):
    """One of the organization's accounts, by id."""

    default_error_messages: ClassVar = {"does_not_exist": _("There is no account {pk_value}.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Account.objects.all(), pk_field=serializers.UUIDField(), **kwargs)

    def get_queryset(self) -> models.QuerySet[Account]:
        return Account.objects.for_user(authenticated_user(self.context["request"]))


class _SurveySchema(serializers.Serializer[Any]):
    age = serializers.CharField(required=False, max_length=20)
    area = serializers.CharField(required=False, max_length=100)
    concerns = serializers.CharField(required=False, max_length=300)
    upset = serializers.IntegerField(required=False, min_value=1, max_value=5)
    suicide = serializers.CharField(required=False, help_text=_("One of yes, no, unsure, and skipped."))


@extend_schema_field(_SurveySchema)
class SurveyField(serializers.Field[VisitorSurvey, Any, Any, Any]):
    """The survey that a chat visitor filled in before the chat. `{}` if there is none."""

    def to_internal_value(self, data: Any) -> VisitorSurvey:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(gettext("Send an object."))
        refuse_unknown_fields(data, list(VisitorSurvey.__annotations__))
        try:
            return clean_survey(data)
        except DjangoValidationError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error

    def to_representation(self, value: Any) -> Any:
        return value


class AccountLookupField(serializers.CharField):
    """One of the organization's accounts, by number, id, or name."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        account = AccountLookup(Account.objects.for_user(authenticated_user(self.context["request"]))).find(text)
        if account is None:
            problem = gettext("There is no account “%(name)s”. Enter its number or ID.")
            raise serializers.ValidationError(problem % {"name": printable_excerpt(text)})
        return account
