"""Filter sets of the API."""

from typing import Any

from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError

NON_FILTER_PARAMETERS = {"as", "cursor", "page_size"}


class StrictFilterSet(filters.FilterSet):
    """Filter set that rejects unknown parameters, because a typo must not turn a filter off."""

    def filter_queryset(self, queryset: Any) -> Any:
        unknown = [name for name in self.data if name not in self.filters and name not in NON_FILTER_PARAMETERS]
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, _("Unknown filter.")))
        return super().filter_queryset(queryset)
