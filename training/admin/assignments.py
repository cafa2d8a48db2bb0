"""Admin pages for assignments and for scenarios that can be assigned."""

import logging

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantAdmin, TenantForm
from accounts.models import User
from accounts.services.features import FeatureOffError
from accounts.web.confirmation import ask_before_action, is_confirmed
from scenarios.admin import ScenarioAdmin
from scenarios.forms.draft_form import NOT_SAVED
from scenarios.models import Mode, Scenario
from training.forms import MAX_ASSIGNED_AT_ONCE, AssignScenarioForm
from training.models import TERM_FIELDS, Assignment
from training.services.assignments import assign_many, cancel_assignment, check_modes, default_terms, reset_assignment
from training.services.one_time_scenarios import check_due_date, create_one_time
from training.services.session_start import can_start_trial

logger = logging.getLogger(__name__)

ASSIGN_FIELDSETS = [(_("Assign to"), {"fields": ["counselors", *TERM_FIELDS]})]


@admin.register(Scenario)
class AssignableScenarioAdmin(ScenarioAdmin):
    actions = ["assign_to_counselors", *ScenarioAdmin.actions]

    def get_urls(self):
        one_time = self.admin_site.admin_view(self.one_time_view)
        return [path("one-time/", one_time, name="scenarios_scenario_one_time"), *super().get_urls()]

    def get_search_results(self, request, queryset, search_term):
        """Return the search results. Autocomplete fields get only the scenarios that can be assigned."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request.resolver_match.url_name == "autocomplete":
            found = found.filter(is_one_time=False, is_active=True)
        return found, may_repeat

    def has_assign_permission(self, request):
        return request.user.has_perm("training.add_assignment")

    def get_list_display(self, request):
        title, *others = super().get_list_display(request)
        return [title, "try_it", *others] if can_start_trial(request.user) else [title, *others]

    @admin.display(description=_("try it"))
    def try_it(self, scenario):
        """Return links to a trial in each mode, beginning with the scenario's own mode."""
        modes = [
            (Mode.PHONE, "voice", gettext("Try as a call: %(title)s"), gettext("Call")),
            (Mode.CHAT, "chat", gettext("Try as a chat: %(title)s"), gettext("Chat")),
        ]
        modes.sort(key=lambda mode: mode[0] != scenario.mode)
        links = (
            (reverse(f"training:{page}_trial", args=[scenario.pk]), label % {"title": scenario.title}, text)
            for _mode, page, label, text in modes
        )
        return format_html_join(" ", '<a href="{}" aria-label="{}">{}</a>', links)

    @admin.action(description=_("Assign to counselors…"), permissions=["assign"])
    def assign_to_counselors(self, request, queryset):
        """Ask for counselors and terms, then assign. Report how many pairs and scenarios were skipped."""
        if (count := queryset.count()) > MAX_ASSIGNED_AT_ONCE:
            problem = gettext("Nothing was assigned. You chose %(count)s scenarios; the limit is %(limit)s.")
            values = {"count": f"{count:,}", "limit": MAX_ASSIGNED_AT_ONCE}
            self.message_user(request, problem % values, messages.WARNING)
            return None
        form = AssignScenarioForm(request.user, request.POST if "assign" in request.POST else None, scenarios=count)
        if not form.is_valid():
            context = self.admin_site.each_context(request) | {
                "title": gettext("Assign to counselors"),
                "form": form,
                "scenarios": queryset,
                "opts": self.model._meta,
            }
            return render(request, "admin/training/assign.html", context)
        chosen = queryset.filter(is_active=True), form.cleaned_data["counselors"]
        result = assign_many(*chosen, request.user, force=form.cleaned_data["force_reassign"], **form.terms)
        self.message_user(request, _describe_result(result, inactive=queryset.filter(is_active=False).count()))
        return None

    def one_time_view(self, request):
        """Show the scenario form and the assignment form on one page, and save both or neither."""
        if not (self.has_add_permission(request) and self.has_assign_permission(request)):
            raise PermissionDenied
        fieldsets = [part for part in self.get_fieldsets(request) if "is_active" not in part[1]["fields"]]
        scenario_form_class = self.get_form(request, fields=flatten_fieldsets(fieldsets))
        sent = [request.POST, request.FILES] if request.method == "POST" else []
        form, assign_form = scenario_form_class(*sent), AssignScenarioForm(request.user, *sent[:1])
        # Validate both, so that each form shows its errors.
        if all([form.is_valid(), assign_form.is_valid()]):
            scenario = self._save_one_time(request, form, assign_form)
            if scenario:
                return redirect("admin:scenarios_scenario_change", scenario.pk)
        return self._render_one_time(request, form, assign_form, fieldsets)

    def _save_one_time(self, request, form, assign_form):
        typed = form.cleaned_data
        fields = {name: typed[name] for name in typed.keys() - {"skills", "evaluator_context", "context_file"}}
        try:
            scenario, assignments = create_one_time(
                request.user, fields, typed["evaluator_context"], typed["skills"], **assign_form.cleaned_data
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return None
        except FeatureOffError as error:
            form.add_error(None, str(error))
            return None
        except Exception:  # each storage backend raises its own exceptions
            logger.exception("One-time scenario not saved")
            form.add_error(None, NOT_SAVED)
            return None
        people = ", ".join(str(assignment.counselor) for assignment in assignments)
        self.log_addition(request, scenario, gettext("Created for %(people)s.") % {"people": people})
        self.message_user(
            request,
            gettext("“%(scenario)s” was saved and assigned to %(people)s.") % {"scenario": scenario, "people": people},
        )
        return scenario

    def _render_one_time(self, request, form, assign_form, fieldsets):
        admin_form = AdminForm(form, fieldsets, {}, self.get_readonly_fields(request), self)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Write for one counselor"),
            "adminform": admin_form,
            "assignform": AdminForm(assign_form, ASSIGN_FIELDSETS, {}),
            "media": self.media + admin_form.media,
            "errors": [*form.errors.values(), *assign_form.errors.values()],
            "inline_admin_formsets": [],
        }
        page = self.render_change_form(request, context, add=True)
        page.template_name = "admin/scenarios/scenario/one_time.html"
        return page


def _describe_result(result, inactive):
    """Return sentences that say how many assignments were made and why others were not."""
    count = len(result.assignments)
    parts = [
        ngettext("%(count)s assignment was created.", "%(count)s assignments were created.", count) % {"count": count}
    ]
    if count := len(result.open):
        parts.append(ngettext("%(count)s was already open.", "%(count)s were already open.", count) % {"count": count})
    if count := len(result.completed):
        skipped = ngettext(
            "%(count)s was already completed and was not assigned again.",
            "%(count)s were already completed and were not assigned again.",
            count,
        )
        parts.append(skipped % {"count": count})
    if inactive:
        skipped = ngettext(
            "%(count)s inactive scenario was skipped.", "%(count)s inactive scenarios were skipped.", inactive
        )
        parts.append(skipped % {"count": inactive})
    return " ".join(parts)


class AssignmentAdminForm(TenantForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial.update(default_terms(self.instance.organization))

    def clean_scenario(self):
        scenario = self.cleaned_data["scenario"]
        try:
            check_modes([scenario], scenario.organization)
        except FeatureOffError as error:
            raise ValidationError(str(error)) from error
        return scenario

    def clean_due_date(self):
        due_date = self.cleaned_data["due_date"]
        # An overdue assignment may still get new notes.
        if "due_date" in self.changed_data:
            check_due_date(due_date)
        return due_date


@admin.register(Assignment)
class AssignmentAdmin(TenantAdmin):
    form = AssignmentAdminForm
    list_display = ["scenario", "counselor", "status", "due_date", "assigned_by", "created_at"]
    list_filter = ["status", ("counselor", admin.RelatedOnlyFieldListFilter), "due_date"]
    list_select_related = ["scenario", "counselor", "assigned_by"]
    search_fields = ["scenario__title", "counselor__email"]
    # A library can hold thousands of scenarios, too many for a select box.
    autocomplete_fields = ["scenario"]
    actions = ["reset", "cancel"]
    fields = ["counselor", "scenario", *TERM_FIELDS, "status", "score"]
    readonly_fields = ["status", "score"]

    def get_readonly_fields(self, request, obj=None):
        return ["counselor", "scenario", "status", "score"] if obj else ["status", "score"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "counselor":
            kwargs["queryset"] = User.objects.for_user(request.user).filter(role=User.Role.COUNSELOR, is_active=True)
        if db_field.name == "scenario":
            kwargs["queryset"] = Scenario.objects.for_user(request.user).library().filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.assigned_by = request.user
        # Save only the form's fields: feedback may complete the assignment concurrently.
        obj.save(update_fields=list(TERM_FIELDS) if change else None)

    @admin.action(description=_("Reset to pending"), permissions=["change"])
    def reset(self, request, queryset):
        if not is_confirmed(request):
            text = gettext("Attempts so far will no longer count. The conversations are kept. You can’t undo this.")
            return ask_before_action(self, request, queryset, gettext("Reset assignments?"), text, gettext("Reset"))
        done = sum(reset_assignment(assignment) for assignment in queryset)
        text = ngettext(
            "%(count)s assignment was reset. Only assignments in progress without a live session can be reset.",
            "%(count)s assignments were reset. Only assignments in progress without a live session can be reset.",
            done,
        )
        self.message_user(request, text % {"count": done})
        return None

    @admin.action(description=_("Cancel assignments"), permissions=["change"])
    def cancel(self, request, queryset):
        if not is_confirmed(request):
            text = gettext(
                "Counselors will no longer see these assignments. Their conversations are kept. You can’t undo this, "
                "but you can assign the scenarios again."
            )
            title, button = gettext("Cancel assignments?"), gettext("Cancel assignments")
            return ask_before_action(self, request, queryset, title, text, button)
        done = sum(cancel_assignment(assignment) for assignment in queryset)
        text = ngettext(
            "%(count)s assignment was canceled. Only open assignments without a live session can be canceled.",
            "%(count)s assignments were canceled. Only open assignments without a live session can be canceled.",
            done,
        )
        self.message_user(request, text % {"count": done})
        return None
