"""Admin actions on scenarios selected in the list."""

import logging

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import ProtectedError
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from scenarios.downloads import stream_pack
from scenarios.models import ContextUnavailableError
from scenarios.services.scenarios import demote_unused_scenarios, promote_scenario

logger = logging.getLogger(__name__)

MAX_PROMOTED_AT_ONCE = 20
MAX_DEMOTED_AT_ONCE = 500
_MAX_NAMED_TITLES = 10


def format_titles(titles):
    """Return the titles joined for a sentence, shortened after the first ten."""
    shown = ", ".join(f"“{title}”" for title in titles[:_MAX_NAMED_TITLES])
    if len(titles) <= _MAX_NAMED_TITLES:
        return shown
    return gettext("%(titles)s, and %(count)s more") % {"titles": shown, "count": len(titles) - _MAX_NAMED_TITLES}


def read_context_or_none(scenario):
    """Return the evaluator context, or None if the storage is unavailable."""
    try:
        return scenario.evaluator_context
    except ContextUnavailableError:
        return None


class PromoteForm(forms.Form):
    """Form with a checkbox for each scenario, to confirm that it was read.

    The value includes the time of the last change, so a scenario that was edited after it was shown is not promoted.
    """

    read = forms.MultipleChoiceField(
        error_messages={
            "required": _("Select at least one scenario that you have read."),
            "invalid_choice": _("Nothing was promoted. A scenario was changed after it was shown here. Read it again."),
        }
    )

    def __init__(self, data, scenarios):
        super().__init__(data)
        self.scenarios = {f"{scenario.pk} {scenario.updated_at.isoformat()}": scenario for scenario in scenarios}
        self.fields["read"].choices = [(key, scenario.title) for key, scenario in self.scenarios.items()]  # type: ignore[attr-defined]

    @property
    def checked_scenarios(self):
        return [self.scenarios[key] for key in self.cleaned_data["read"]]

    def scenario_rows(self):
        """Return each scenario with its context, the value of its checkbox, and whether it is checked."""
        checked = self.data.getlist("read") if self.is_bound else []  # type: ignore[attr-defined]
        return [
            (scenario, read_context_or_none(scenario), key, key in checked) for key, scenario in self.scenarios.items()
        ]


@admin.action(description=_("Promote to the library…"), permissions=["change"])
def promote_to_library(modeladmin, request, queryset):
    """Show the selected scenarios in full, ask about personal details, and promote those that were read."""
    chosen = list(queryset.one_time().select_related("account")[: MAX_PROMOTED_AT_ONCE + 1])
    if not chosen or len(chosen) > MAX_PROMOTED_AT_ONCE:
        warning = (
            gettext("Nothing was promoted. Select at most %(most)s scenarios, because you need to read each one.")
            % {"most": MAX_PROMOTED_AT_ONCE}
            if chosen
            else gettext("Nothing was promoted. None of the selected scenarios is one-time.")
        )
        modeladmin.message_user(request, warning, messages.WARNING)
        return None
    form = PromoteForm(request.POST if "promote" in request.POST else None, chosen)
    if not form.is_valid():
        context = modeladmin.admin_site.each_context(request) | {
            "title": gettext("Promote to the library"),
            "opts": modeladmin.opts,
            "form": form,
            "chosen": chosen,
        }
        return render(request, "admin/scenarios/scenario/promote.html", context)
    for scenario in form.checked_scenarios:
        with transaction.atomic():
            promote_scenario(scenario)
            modeladmin.log_change(request, scenario, gettext("Promoted to the library after reading it."))
    count = len(form.checked_scenarios)
    message = ngettext(
        "%(count)s scenario was promoted to the library.", "%(count)s scenarios were promoted to the library.", count
    )
    modeladmin.message_user(request, message % {"count": count})
    return None


@admin.action(description=_("Remove from the library (make one-time)"), permissions=["change"])
def take_out_of_library(modeladmin, request, queryset):
    chosen = list(queryset.library()[: MAX_DEMOTED_AT_ONCE + 1])
    if len(chosen) > MAX_DEMOTED_AT_ONCE:
        error = gettext("Nothing was changed. Select at most %(most)s scenarios at once.")
        modeladmin.message_user(request, error % {"most": MAX_DEMOTED_AT_ONCE}, messages.WARNING)
        return
    with transaction.atomic():
        demoted = demote_unused_scenarios(chosen)
        LogEntry.objects.log_actions(request.user.pk, demoted, CHANGE, gettext("Removed from the library."))
    kept_titles = [scenario.title for scenario in chosen if scenario not in demoted]
    count = len(demoted)
    message = ngettext(
        "%(count)s scenario was removed from the library.", "%(count)s scenarios were removed from the library.", count
    )
    modeladmin.message_user(request, message % {"count": count}, messages.SUCCESS if demoted else messages.INFO)
    if kept_titles:
        warning = ngettext(
            "%(titles)s stays in the library because counselors have been assigned it or have practiced with it. To "
            "stop offering it, make it inactive.",
            "%(titles)s stay in the library because counselors have been assigned them or have practiced with them. "
            "To stop offering them, make them inactive.",
            len(kept_titles),
        )
        modeladmin.message_user(request, warning % {"titles": format_titles(kept_titles)}, messages.WARNING)


def _set_active(queryset, is_active):
    return queryset.filter(is_active=not is_active).update(is_active=is_active, updated_at=timezone.now())


@admin.action(description=_("Make active"), permissions=["change"])
def make_active(modeladmin, request, queryset):
    count = _set_active(queryset, True)
    done = ngettext("%(count)s scenario was made active.", "%(count)s scenarios were made active.", count)
    modeladmin.message_user(request, done % {"count": count})


@admin.action(description=_("Make inactive"), permissions=["change"])
def make_inactive(modeladmin, request, queryset):
    count = _set_active(queryset, False)
    done = ngettext("%(count)s scenario was made inactive.", "%(count)s scenarios were made inactive.", count)
    modeladmin.message_user(request, done % {"count": count})


def _export(modeladmin, request, queryset, kind):
    try:
        return stream_pack(request.user.organization, queryset, kind)
    except Exception:  # Storage backends raise errors of many types.
        logger.exception("Scenarios not exported")
        problem = gettext("The scenarios can’t be read right now, so no file was created. Try again in a moment.")
        modeladmin.message_user(request, problem, messages.ERROR)
        return None


@admin.action(description=_("Export as JSON"), permissions=["view"])
def export_as_json(modeladmin, request, queryset):
    return _export(modeladmin, request, queryset, "json")


@admin.action(description=_("Export as CSV"), permissions=["view"])
def export_as_csv(modeladmin, request, queryset):
    return _export(modeladmin, request, queryset, "csv")


@admin.action(description=_("Delete selected scenarios"), permissions=["delete"])
def delete_selected(modeladmin, request, queryset):
    """Delete scenarios as Django's action does, but show a message if one has just been assigned."""
    try:
        with transaction.atomic():
            return actions.delete_selected(modeladmin, request, queryset)
    except ProtectedError:
        problem = gettext("Nothing was deleted. One of the scenarios was just assigned. Make it inactive instead.")
        modeladmin.message_user(request, problem, messages.ERROR)
        return None
