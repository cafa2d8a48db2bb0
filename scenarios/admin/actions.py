"""Admin actions on scenarios selected in the list."""

import logging

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import ProtectedError
from django.shortcuts import render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from scenarios.downloads import stream_pack
from scenarios.forms.promotion import MAX_DEMOTED_AT_ONCE, MAX_PROMOTED_AT_ONCE, PromoteForm, format_titles
from scenarios.services.scenarios import demote_unused_scenarios, promote_scenario, set_active

logger = logging.getLogger(__name__)


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
            promote_scenario(scenario, request.user)
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
        demoted = demote_unused_scenarios(chosen, request.user)
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


@admin.action(description=_("Make active"), permissions=["change"])
def make_active(modeladmin, request, queryset):
    count = set_active(queryset, True, request.user)
    done = ngettext("%(count)s scenario was made active.", "%(count)s scenarios were made active.", count)
    modeladmin.message_user(request, done % {"count": count})


@admin.action(description=_("Make inactive"), permissions=["change"])
def make_inactive(modeladmin, request, queryset):
    count = set_active(queryset, False, request.user)
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
