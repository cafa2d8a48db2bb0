from typing import Any

from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError

NO_FILTERS = {"as", "cursor", "page_size"}


class StrictFilterSet(filters.FilterSet):
    """What names no filter is refused, not ignored: a typing error must not show everything."""

    def filter_queryset(self, queryset: Any) -> Any:
        unknown = [name for name in self.data if name not in self.filters and name not in NO_FILTERS]
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, "There is no such filter."))
        return super().filter_queryset(queryset)
