import logging
from contextlib import contextmanager

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.admin import ScopedAdmin
from accounts.models import Account
from accounts.services.indexing import suggest_sections
from scenarios.admin import actions
from scenarios.admin.advice import advice_on
from scenarios.admin.filters import AccountFilter, RelatedFilter, ShelfFilter
from scenarios.admin.scenario_form import AccountChoiceField, ContextAtHand, LinesField, ScenarioForm
from scenarios.models import Category, Scenario, Skill
from scenarios.services.contexts import point_at_context, remove_context_file, write_context_file
from scenarios.services.library import ScenarioInUse, delete_scenario

logger = logging.getLogger(__name__)

MOST_COMPARED = 60_000  # characters of what is written, for suggesting sections
NOT_READ = "The evaluator context cannot be read just now. Nothing was changed: try again in a moment."
NOT_STORED = "The evaluator context could not be stored, so nothing was saved. What you typed is here: try again."


@admin.register(Category, Skill)
class NamedAdmin(ScopedAdmin):
    fields = ["name"]
    search_fields = ["name"]


class ScenarioAdmin(ScopedAdmin):
    """Writing scenarios. Registered by `training`, which knows who can be given them."""

    form = ScenarioForm
    formfield_overrides = {models.TextField: {"form_class": LinesField}}
    list_display = ["title", "mode", "category", "difficulty", "account", "is_active"]
    list_filter = [
        ShelfFilter,
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
        ("The caller", {"fields": ["prompt", "opens", "patience", "visitor_survey"]}),
        ("What is assessed", {"fields": ["evaluator_context", "context_file", "checks"]}),
        ("Account and procedures", {"fields": ["account", "relevant_policy_sections"]}),
        (
            "Where it stands",
            {
                "fields": ["is_one_time", "is_active"],
                "description": "Actions of the list promote a one-time scenario to the library, or take one out of it.",
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
        """Nothing to upload for who only looks; a new scenario is the library's."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        absent = ([] if may_write else ["context_file", "checks"]) + ([] if obj else ["is_one_time"])
        return [
            (name, options | {"fields": [field for field in options["fields"] if field not in absent]})
            for name, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request, obj=None):
        """What it is for is decided by promoting and taking out, which ask first."""
        return ["mode", "is_one_time"] if obj and obj.is_assigned else ["is_one_time"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.at_hand = getattr(request, "context_at_hand", None) or ContextAtHand()
        return form

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "account":
            kwargs["form_class"] = AccountChoiceField
            kwargs["queryset"] = Account.objects.for_user(request.user).with_procedures()
            kwargs["empty_label"] = "The whole organization"
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # The form, and the file that belongs to it

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Django saves inside a transaction. The context's file is read and written before, and removed after it."""
        if "_saveasnew" in request.POST:  # where Django writes another row, so do we
            object_id = None
        scenario = self.get_object(request, unquote(object_id)) if object_id else None
        at_hand = request.context_at_hand = _at_hand(scenario)
        is_someone_elses = bool(object_id) and scenario is None
        if request.method == "POST" and not is_someone_elses:
            self._write_context(request, scenario, at_hand)
        elif at_hand.failure:
            self.message_user(request, at_hand.failure, messages.ERROR)
            return redirect("admin:scenarios_scenario_changelist")
        with _removed_unless_saved(at_hand):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _write_context(self, request, scenario, at_hand):
        may_write = self.has_change_permission(request, scenario) if scenario else self.has_add_permission(request)
        if not may_write or at_hand.failure:
            return
        fields = flatten_fieldsets(self.get_fieldsets(request, scenario))
        form = self.get_form(request, scenario, change=bool(scenario), fields=fields)
        filled_in = form(request.POST, request.FILES, instance=scenario)
        if not filled_in.is_valid() or filled_in.cleaned_data["evaluator_context"] == at_hand.text:
            return
        try:
            at_hand.new_key = write_context_file(at_hand.scenario_id, filled_in.cleaned_data["evaluator_context"])
        except Exception:  # whatever the storage raises
            logger.exception("Evaluator context not stored", extra={"scenario_id": at_hand.scenario_id})
            at_hand.failure = NOT_STORED

    def save_model(self, request, obj, form, change):
        at_hand = form.at_hand
        if change:
            typed = [field.name for field in obj._meta.concrete_fields if field.name in form.cleaned_data]
            # Not the pointer to the context: another request may have moved it meanwhile.
            obj.save(update_fields=[*typed, "title_key", "updated_at"])
        else:
            obj.created_by = request.user
            obj.save()
        if at_hand.new_key is not None:
            point_at_context(obj, at_hand.new_key)
        at_hand.is_saved = True

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        form = context["adminform"].form
        may_write = self.has_add_permission(request) if add else self.has_change_permission(request, obj)
        if may_write:
            texts = {name: form[name].value() or "" for name in ("prompt", "evaluator_context")}
            locked_mode = "" if "mode" in form.fields else obj.mode
            context |= {
                "advice": advice_on(**texts, mode=locked_mode or form["mode"].value()),
                "locked_mode": locked_mode,
                "has_unsaved": form.is_bound,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Advice while writing

    def advice_view(self, request):
        """Advice on what stands in the form now, for htmx."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        typed = {name: request.POST.get(name, "") for name in ("prompt", "evaluator_context", "mode")}
        return render(request, "admin/scenarios/scenario/_advice_swapped.html", {"advice": advice_on(**typed)})

    # Picking sections while writing

    def sections_view(self, request):
        """The sections of an account's procedures, those first that speak of what is written, for htmx."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        account = _account_of(request)
        sections, suggested = [], []
        if account and account.procedures:
            sections = account.procedures.sections.defer("text", "letters")
            written = " ".join(request.POST.get(name, "") for name in ("description", "prompt", "evaluator_context"))
            suggested = suggest_sections(account, written[:MOST_COMPARED])
        context = {"account": account, "sections": sections, "suggested": suggested}
        return render(request, "admin/scenarios/scenario/_sections.html", context)

    # Deleting

    def get_deleted_objects(self, objs, request):
        """Assigned scenarios stay: their assignments stand on them."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        if protected:
            perms_needed, protected = set(), self._assigned(objs)
        return to_delete, counts, perms_needed, protected

    def _assigned(self, objs):
        chosen = Scenario.objects.filter(pk__in=[obj.pk for obj in objs])
        found = chosen.annotate(given=Count("assignments")).filter(given__gt=0).order_by("title")
        return [
            format_html(
                '<a href="{}">{}</a>: {} assignment{}',
                reverse("admin:scenarios_scenario_change", args=[scenario.pk]),
                scenario.title,
                scenario.given,
                "" if scenario.given == 1 else "s",
            )
            for scenario in found
        ]

    def delete_view(self, request, object_id, extra_context=None):
        try:
            return super().delete_view(request, object_id, extra_context)
        except ScenarioInUse as refusal:  # assigned since the page asked
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request, obj):
        delete_scenario(obj)


def _account_of(request):
    """The account that is chosen in the form; None for the whole organization, or for what is not there."""
    try:
        return Account.objects.for_user(request.user).with_procedures().filter(pk=request.POST.get("account")).first()
    except ValidationError:
        return None


def _at_hand(scenario):
    if scenario is None:
        return ContextAtHand()
    text = actions.context_of(scenario)
    return ContextAtHand(scenario.pk, text or "", NOT_READ if text is None else "")


@contextmanager
def _removed_unless_saved(at_hand):
    """Leave no file behind that no row points to: not after an error, and not when the form was wrong."""
    try:
        yield
    except BaseException:
        at_hand.is_saved = False
        raise
    finally:
        if not at_hand.is_saved:
            remove_context_file(at_hand.new_key or "")
