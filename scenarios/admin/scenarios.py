"""Admin pages for scenarios, categories, and skills."""

import logging
from contextlib import contextmanager

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.admin import TenantAdmin
from accounts.models import Account
from accounts.procedures.indexing import suggest_sections
from accounts.services.rate_limits import RateLimitExceededError, UsageKind, spend
from scenarios.admin import actions
from scenarios.admin.filters import AccountFilter, LibraryFilter, RelatedFilter
from scenarios.forms.advice import group_advice_by_field
from scenarios.forms.promotion import read_context_or_none
from scenarios.forms.scenario_form import AccountChoiceField, MultilineTextField, PendingContext, ScenarioForm
from scenarios.models import Category, Scenario, Skill
from scenarios.services.check_previews import preview_checks
from scenarios.services.evaluator_contexts import remove_context_file, replace_context_file, write_context_file
from scenarios.services.scenarios import ScenarioInUseError, delete_scenario

logger = logging.getLogger(__name__)

MAX_COMPARED_LENGTH = 60_000  # characters compared when suggesting sections
NOT_READ = _("The evaluator context can’t be read right now. Nothing was changed. Try again in a moment.")
NOT_STORED = _(
    "Nothing was saved, because the evaluator context could not be stored. Your changes are still here. Try again."
)


@admin.register(Category, Skill)
class CategoryAndSkillAdmin(TenantAdmin):
    fields = ["name"]
    search_fields = ["name"]


class ScenarioAdmin(TenantAdmin):
    """Admin pages for writing scenarios. Registered by `training`, which lists the possible assignees."""

    form = ScenarioForm
    formfield_overrides = {models.TextField: {"form_class": MultilineTextField}}
    list_display = ["title", "mode", "category", "difficulty", "account", "is_active"]
    list_filter = [
        LibraryFilter,
        "mode",
        ("category", RelatedFilter),
        "difficulty",
        ("account", AccountFilter),
        "is_active",
        ("skills", RelatedFilter),
    ]
    list_select_related = ["category", "account"]
    search_fields = ["title", "description", "prompt"]
    filter_horizontal = ["skills"]
    actions = [
        actions.make_inactive,
        actions.make_active,
        actions.promote_to_library,
        actions.take_out_of_library,
        actions.export_as_json,
        actions.export_as_csv,
        actions.delete_selected,
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "title",
                    "description",
                    "content_notes",
                    "mode",
                    "category",
                    "difficulty",
                    "estimated_minutes",
                    "skills",
                ]
            },
        ),
        (_("Caller"), {"fields": ["prompt", "opens", "patience", "visitor_survey"]}),
        (_("Assessment"), {"fields": ["evaluator_context", "context_file", "checks"]}),
        (_("Account and procedures"), {"fields": ["account", "relevant_policy_sections"]}),
        (
            _("Availability"),
            {
                "fields": ["is_one_time", "is_active"],
                "description": _(
                    "To promote a one-time scenario to the library, or to remove one from it, use the actions in the "
                    "list of scenarios."
                ),
            },
        ),
    ]

    def get_urls(self):
        advice = self.admin_site.admin_view(require_POST(self.advice_view))
        sections = self.admin_site.admin_view(require_POST(self.sections_view))
        return [
            path("advice/", advice, name="scenarios_scenario_advice"),
            path("sections/", sections, name="scenarios_scenario_sections"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request, obj=None):
        """Hide the upload from users who may only view, and the one-time flag in the add form."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        hidden = ([] if may_write else ["context_file"]) + ([] if obj else ["is_one_time"])
        shown: dict[object, str] = {} if may_write else {"checks": "graded_checks"}
        return [
            (
                name,
                options | {"fields": [shown.get(field, field) for field in options["fields"] if field not in hidden]},
            )
            for name, options in super().get_fieldsets(request, obj)
        ]

    @admin.display(description=_("checks"))
    def graded_checks(self, scenario):
        """Return the checks for users who may only view the scenario."""
        text = read_context_or_none(scenario)
        if text is None:
            return NOT_READ
        preview = preview_checks(scenario.checks, text)
        return render_to_string("admin/scenarios/scenario/_check_list.html", {"preview": preview})

    def get_readonly_fields(self, request, obj=None):
        """Lock the one-time flag, which has actions that ask for confirmation, and the mode of an assigned scenario."""
        locked = ["mode", "is_one_time"] if obj and obj.is_assigned else ["is_one_time"]
        return [*locked, "graded_checks"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.pending_context = getattr(request, "pending_context", None) or PendingContext()
        return form

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "account":
            kwargs["form_class"] = AccountChoiceField
            kwargs["queryset"] = Account.objects.for_user(request.user).with_procedures()
            kwargs["empty_label"] = _("The whole organization")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # Form and evaluator context file

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Write the context file before Django's transaction, and remove an unused one after it."""
        if "_saveasnew" in request.POST:  # Django creates another row in this case
            object_id = None
        scenario = self.get_object(request, unquote(object_id)) if object_id else None
        pending_context = request.pending_context = _load_pending_context(scenario)
        is_out_of_reach = bool(object_id) and scenario is None
        if request.method == "POST" and not is_out_of_reach:
            self._write_context(request, scenario, pending_context)
        elif pending_context.failure:
            self.message_user(request, pending_context.failure, messages.ERROR)
            return redirect("admin:scenarios_scenario_changelist")
        with _remove_context_unless_saved(pending_context):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _write_context(self, request, scenario, pending_context):
        may_write = self.has_change_permission(request, scenario) if scenario else self.has_add_permission(request)
        if not may_write or pending_context.failure:
            return
        fields = flatten_fieldsets(self.get_fieldsets(request, scenario))
        form_class = self.get_form(request, scenario, change=bool(scenario), fields=fields)
        bound_form = form_class(request.POST, request.FILES, instance=scenario)
        if not bound_form.is_valid() or bound_form.cleaned_data["evaluator_context"] == pending_context.text:
            return
        try:
            if bound_form.cleaned_data.get("context_file") is not None:
                spend(UsageKind.UPLOADS, request.user)
            pending_context.new_key = write_context_file(
                pending_context.scenario_id, bound_form.cleaned_data["evaluator_context"]
            )
        except RateLimitExceededError as error:
            pending_context.failure = str(error)
        except Exception:  # Storage backends raise errors of many types.
            logger.exception("Evaluator context not stored", extra={"scenario_id": pending_context.scenario_id})
            pending_context.failure = NOT_STORED

    def save_model(self, request, obj, form, change):
        pending_context = form.pending_context
        if change:
            form_fields = [field.name for field in obj._meta.concrete_fields if field.name in form.cleaned_data]
            # Not the pointer to the context file: another request may have changed it in the meantime.
            obj.changed_by = request.user
            obj.save(update_fields=[*form_fields, "title_key", "changed_by", "updated_at"])
        else:
            obj.created_by = obj.changed_by = request.user
            obj.save()
        if pending_context.new_key is not None:
            replace_context_file(obj, pending_context.new_key)
        pending_context.is_saved = True

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        form = context["adminform"].form
        may_write = self.has_add_permission(request) if add else self.has_change_permission(request, obj)
        if may_write:
            texts = {name: form[name].value() or "" for name in ("prompt", "evaluator_context")}
            locked_mode = "" if "mode" in form.fields else obj.mode
            context |= {
                "advice": group_advice_by_field(**texts, mode=locked_mode or form["mode"].value()),
                "locked_mode": locked_mode,
                "has_unsaved": form.is_bound,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Advice while writing

    def advice_view(self, request):
        """Return advice on the text as typed so far. For htmx."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        typed = {name: request.POST.get(name, "") for name in ("prompt", "evaluator_context", "mode")}
        return render(
            request, "admin/scenarios/scenario/_advice_update.html", {"advice": group_advice_by_field(**typed)}
        )

    # Section picker

    def sections_view(self, request):
        """Return the sections of the account's procedures, those relevant to the text first. For htmx."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        account = _get_chosen_account(request)
        sections, suggested = [], []
        if account and account.procedures:
            sections = account.procedures.sections.defer("text", "letters")
            written = " ".join(request.POST.get(name, "") for name in ("description", "prompt", "evaluator_context"))
            suggested = suggest_sections(account, written[:MAX_COMPARED_LENGTH])
        context = {"account": account, "sections": sections, "suggested": suggested}
        return render(request, "admin/scenarios/scenario/_sections.html", context)

    # Deletion

    def get_deleted_objects(self, objs, request):
        """List assigned scenarios as protected, because their assignments depend on them."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        if protected:
            perms_needed, protected = set(), self._list_assigned(objs)
        return to_delete, counts, perms_needed, protected

    def _list_assigned(self, objs):
        chosen = Scenario.objects.filter(pk__in=[obj.pk for obj in objs])
        found = chosen.annotate(assignment_count=Count("assignments")).filter(assignment_count__gt=0).order_by("title")
        return [
            format_html(
                '<a href="{}">{}</a> ({})',
                reverse("admin:scenarios_scenario_change", args=[scenario.pk]),
                scenario.title,
                ngettext("%(count)s assignment", "%(count)s assignments", scenario.assignment_count)
                % {"count": scenario.assignment_count},
            )
            for scenario in found
        ]

    def delete_view(self, request, object_id, extra_context=None):
        try:
            return super().delete_view(request, object_id, extra_context)
        except ScenarioInUseError as error:  # assigned since the page was shown
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request, obj):
        delete_scenario(obj)


def _get_chosen_account(request):
    """Return the account chosen in the form, or None for the whole organization or an unknown account."""
    try:
        return Account.objects.for_user(request.user).with_procedures().filter(pk=request.POST.get("account")).first()
    except ValidationError:
        return None


def _load_pending_context(scenario):
    if scenario is None:
        return PendingContext()
    text = read_context_or_none(scenario)
    return PendingContext(scenario.pk, text or "", str(NOT_READ) if text is None else "")


@contextmanager
def _remove_context_unless_saved(pending_context):
    """Remove the new context file unless the row was saved, both after an error and for an invalid form."""
    try:
        yield
    except BaseException:
        pending_context.is_saved = False
        raise
    finally:
        if not pending_context.is_saved:
            remove_context_file(pending_context.new_key or "")
