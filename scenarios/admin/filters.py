"""Filters of the scenario and draft lists."""

from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class LibraryFilter(admin.SimpleListFilter):
    """Library scenarios by default, one-time scenarios on request."""

    title = _("library")
    parameter_name = "shelf"

    def lookups(self, request, model_admin):
        return [("one-time", gettext("One-time")), ("all", gettext("Both"))]

    def queryset(self, request, queryset):
        if self.value() == "all":
            return queryset
        return queryset.one_time() if self.value() == "one-time" else queryset.library()

    def choices(self, changelist):
        library, *others = super().choices(changelist)
        return [library | {"display": gettext("Library")}, *others]


class RelatedFilter(admin.RelatedOnlyFieldListFilter):
    """Values that the organization's scenarios use, plus an option for scenarios without one."""

    none: str | Promise = _("None")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.empty_value_display = self.none  # type: ignore[assignment]  # the template escapes it


class AccountFilter(RelatedFilter):
    none = _("Whole organization")
