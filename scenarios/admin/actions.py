"""What can be done with the scenarios chosen in the list."""

import logging

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import ProtectedError
from django.shortcuts import render
from django.utils import timezone

from scenarios.downloads import pack_of
from scenarios.models import ContextUnavailable
from scenarios.services.library import demote_unused, promote

logger = logging.getLogger(__name__)

MOST_READ_AT_ONCE = 20
MOST_DEMOTED_AT_ONCE = 500
_MOST_NAMED = 10


def named(titles):
    """Titles in a sentence; of many the first ones."""
    shown = ", ".join(f"“{title}”" for title in titles[:_MOST_NAMED])
    return f"{shown} and {len(titles) - _MOST_NAMED} more" if len(titles) > _MOST_NAMED else shown


def context_of(scenario):
    """The evaluator context, or None when the storage does not give it now."""
    try:
        return scenario.evaluator_context
    except ContextUnavailable:
        return None


class PromoteForm(forms.Form):
    """A tick for each scenario that was read. It stands for the text that was shown, not for a later one."""

    read = forms.MultipleChoiceField(
        error_messages={
            "required": "Tick at least one scenario that you have read.",
            "invalid_choice": "A scenario was changed after it was shown here. Nothing was promoted: read it again.",
        }
    )

    def __init__(self, data, scenarios):
        super().__init__(data)
        self.scenarios = {f"{scenario.pk} {scenario.updated_at.isoformat()}": scenario for scenario in scenarios}
        self.fields["read"].choices = [(key, scenario.title) for key, scenario in self.scenarios.items()]  # type: ignore[attr-defined]

    @property
    def read_ones(self):
        return [self.scenarios[key] for key in self.cleaned_data["read"]]

    def to_be_read(self):
        """Each scenario whole, with the value of its tick and whether it is ticked."""
        ticked = self.data.getlist("read") if self.is_bound else []  # type: ignore[attr-defined]
        return [(scenario, context_of(scenario), key, key in ticked) for key, scenario in self.scenarios.items()]


@admin.action(description="Promote to the library…", permissions=["change"])
def promote_to_library(modeladmin, request, queryset):
    """Show each text whole and ask whether anything personal is left; promote those that were read."""
    chosen = list(queryset.one_time().select_related("account")[: MOST_READ_AT_ONCE + 1])
    if not chosen or len(chosen) > MOST_READ_AT_ONCE:
        problem = f"Choose at most {MOST_READ_AT_ONCE}: each is to be read." if chosen else "None of these is one-time."
        modeladmin.message_user(request, f"Nothing was promoted. {problem}", messages.WARNING)
        return None
    form = PromoteForm(request.POST if "promote" in request.POST else None, chosen)
    if not form.is_valid():
        context = modeladmin.admin_site.each_context(request) | {
            "title": "Promote to the library",
            "opts": modeladmin.opts,
            "form": form,
            "chosen": chosen,
        }
        return render(request, "admin/scenarios/scenario/promote.html", context)
    for scenario in form.read_ones:
        with transaction.atomic():
            promote(scenario)
            modeladmin.log_change(request, scenario, "Promoted to the library, after reading it.")
    modeladmin.message_user(request, f"{len(form.read_ones)} in the library.")
    return None


@admin.action(description="Take out of the library (one-time)", permissions=["change"])
def take_out_of_library(modeladmin, request, queryset):
    chosen = list(queryset.library()[: MOST_DEMOTED_AT_ONCE + 1])
    if len(chosen) > MOST_DEMOTED_AT_ONCE:
        problem = f"Nothing was changed. Choose at most {MOST_DEMOTED_AT_ONCE} at once."
        modeladmin.message_user(request, problem, messages.WARNING)
        return
    with transaction.atomic():
        taken = demote_unused(chosen)
        LogEntry.objects.log_actions(request.user.pk, taken, CHANGE, "Taken out of the library.")
    staying = [scenario.title for scenario in chosen if scenario not in taken]
    done = len(taken)
    modeladmin.message_user(request, f"{done} taken out of the library.", messages.SUCCESS if done else messages.INFO)
    if staying:
        refusal = (
            f"{named(staying)} {'stays' if len(staying) == 1 else 'stay'} in the library: counselors have been given "
            "this or have practised with it. Make inactive what is to be offered no more."
        )
        modeladmin.message_user(request, refusal, messages.WARNING)


def _set_active(modeladmin, request, queryset, is_active):
    changed = queryset.filter(is_active=not is_active).update(is_active=is_active, updated_at=timezone.now())
    modeladmin.message_user(request, f"{changed} made {'active' if is_active else 'inactive'}.")


@admin.action(description="Make active", permissions=["change"])
def make_active(modeladmin, request, queryset):
    _set_active(modeladmin, request, queryset, True)


@admin.action(description="Make inactive", permissions=["change"])
def make_inactive(modeladmin, request, queryset):
    _set_active(modeladmin, request, queryset, False)


def _export(modeladmin, request, queryset, kind):
    try:
        return pack_of(request.user.organization, queryset, kind)
    except Exception:  # whatever the storage raises
        logger.exception("Scenarios not exported")
        problem = "The scenarios could not be read just now, so there is no file. Try again in a moment."
        modeladmin.message_user(request, problem, messages.ERROR)
        return None


@admin.action(description="Export as JSON", permissions=["view"])
def export_as_json(modeladmin, request, queryset):
    return _export(modeladmin, request, queryset, "json")


@admin.action(description="Export as CSV", permissions=["view"])
def export_as_csv(modeladmin, request, queryset):
    return _export(modeladmin, request, queryset, "csv")


@admin.action(description="Delete selected scenarios", permissions=["delete"])
def delete_selected(modeladmin, request, queryset):
    """Django's, for which one that is assigned at this moment is no error page either."""
    try:
        with transaction.atomic():
            return actions.delete_selected(modeladmin, request, queryset)
    except ProtectedError:
        problem = "Nothing was deleted: one of them has just been assigned. Make it inactive instead."
        modeladmin.message_user(request, problem, messages.ERROR)
        return None
