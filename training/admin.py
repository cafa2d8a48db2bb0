import logging

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html_join

from accounts.admin import ScopedAdmin, ScopedForm
from accounts.models import User
from scenarios.admin import ScenarioAdmin
from scenarios.admin.drafts import NOT_SAVED
from scenarios.models import Mode, Scenario
from training import draft_admin  # noqa: F401  (registers its pages)
from training.forms import MOST_ASSIGNED_AT_ONCE, TERMS, AssignForm
from training.models import Assignment
from training.services.assignments import assign_many, cancel, reset
from training.services.one_time import check_due_date, create_one_time
from training.services.sessions import may_try

logger = logging.getLogger(__name__)

FOR_WHOM = [("For whom", {"fields": ["counselors", *TERMS]})]


@admin.register(Scenario)
class AssignableScenarioAdmin(ScenarioAdmin):
    actions = ["assign_to_counselors", *ScenarioAdmin.actions]

    def get_urls(self):
        one_time = self.admin_site.admin_view(self.one_time_view)
        return [path("one-time/", one_time, name="scenarios_scenario_one_time"), *super().get_urls()]

    def get_search_results(self, request, queryset, search_term):
        """Where one is chosen by typing, only what can be given to somebody."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request.resolver_match.url_name == "autocomplete":
            found = found.filter(is_one_time=False, is_active=True)
        return found, may_repeat

    def has_assign_permission(self, request):
        return request.user.has_perm("training.add_assignment")

    def get_list_display(self, request):
        title, *others = super().get_list_display(request)
        return [title, "try_it", *others] if may_try(request.user) else [title, *others]

    @admin.display(description="try it")
    def try_it(self, scenario):
        """Links to play it, as what it is written for first."""
        ways = [(Mode.PHONE, "voice", "call"), (Mode.CHAT, "chat", "chat")]
        ways.sort(key=lambda way: way[0] != scenario.mode)
        links = (
            (reverse(f"training:{page}_trial", args=[scenario.pk]), word, scenario.title, word.title())
            for _, page, word in ways
        )
        return format_html_join(" ", '<a href="{}" aria-label="Try as a {}: {}">{}</a>', links)

    @admin.action(description="Assign to counselors…", permissions=["assign"])
    def assign_to_counselors(self, request, queryset):
        """Ask who and until when, then assign; what is retired or open already is left as it is and counted."""
        if (count := queryset.count()) > MOST_ASSIGNED_AT_ONCE:
            problem = f"You chose {count:,} scenarios; at most {MOST_ASSIGNED_AT_ONCE} are assigned at once."
            self.message_user(request, f"Nothing was assigned. {problem}", messages.WARNING)
            return None
        form = AssignForm(request.user, request.POST if "assign" in request.POST else None, scenarios=count)
        if not form.is_valid():
            context = self.admin_site.each_context(request) | {
                "title": "Assign to counselors",
                "form": form,
                "scenarios": queryset,
                "opts": self.model._meta,
            }
            return render(request, "admin/training/assign.html", context)
        chosen = queryset.filter(is_active=True), form.cleaned_data["counselors"]
        given = assign_many(*chosen, request.user, force=form.cleaned_data["force_reassign"], **form.terms)
        left_out = ""
        if given.completed:
            left_out += f" Completed before, so not given again without the box for it: {len(given.completed)}."
        if retired := queryset.filter(is_active=False).count():
            left_out += f" Retired scenarios left out: {retired}."
        done = f"{len(given.assignments)} assigned, {len(given.open)} were open already."
        self.message_user(request, done + left_out)
        return None

    def one_time_view(self, request):
        """The form of a scenario and that of its assignment on one page, saved together or not at all."""
        if not (self.has_add_permission(request) and self.has_assign_permission(request)):
            raise PermissionDenied
        fieldsets = [part for part in self.get_fieldsets(request) if "is_active" not in part[1]["fields"]]
        scenario_form = self.get_form(request, fields=flatten_fieldsets(fieldsets))
        sent = [request.POST, request.FILES] if request.method == "POST" else []
        form, assign_form = scenario_form(*sent), AssignForm(request.user, *sent[:1])
        # Both are asked, so that each says what is wrong with it.
        if all([form.is_valid(), assign_form.is_valid()]):
            scenario = self._write_one_time(request, form, assign_form)
            if scenario:
                return redirect("admin:scenarios_scenario_change", scenario.pk)
        return self._one_time_page(request, form, assign_form, fieldsets)

    def _write_one_time(self, request, form, assign_form):
        typed = form.cleaned_data
        fields = {name: typed[name] for name in typed.keys() - {"skills", "evaluator_context", "context_file"}}
        try:
            scenario, given = create_one_time(
                request.user, fields, typed["evaluator_context"], typed["skills"], **assign_form.cleaned_data
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return None
        except Exception:  # whatever the storage raises
            logger.exception("One-time scenario not saved")
            form.add_error(None, NOT_SAVED)
            return None
        people = ", ".join(str(assignment.counselor) for assignment in given)
        self.log_addition(request, scenario, f"Written for {people}.")
        self.message_user(request, f"“{scenario}” is saved and assigned to {people}.")
        return scenario

    def _one_time_page(self, request, form, assign_form, fieldsets):
        admin_form = AdminForm(form, fieldsets, {}, self.get_readonly_fields(request), self)
        context = self.admin_site.each_context(request) | {
            "title": "Write for one counselor",
            "adminform": admin_form,
            "assignform": AdminForm(assign_form, FOR_WHOM, {}),
            "media": self.media + admin_form.media,
            "errors": [*form.errors.values(), *assign_form.errors.values()],
            "inline_admin_formsets": [],
        }
        page = self.render_change_form(request, context, add=True)
        page.template_name = "admin/scenarios/scenario/one_time.html"
        return page


class AssignmentForm(ScopedForm):
    def clean_due_date(self):
        due_date = self.cleaned_data["due_date"]
        # One that is overdue may still be given other notes.
        if "due_date" in self.changed_data:
            check_due_date(due_date)
        return due_date


@admin.register(Assignment)
class AssignmentAdmin(ScopedAdmin):
    form = AssignmentForm
    list_display = ["scenario", "counselor", "status", "due_date", "assigned_by", "created_at"]
    list_filter = ["status", ("counselor", admin.RelatedOnlyFieldListFilter), "due_date"]
    list_select_related = ["scenario", "counselor", "assigned_by"]
    search_fields = ["scenario__title", "counselor__email"]
    # A library of thousands is no list to choose from.
    autocomplete_fields = ["scenario"]
    actions = ["reset", "cancel"]
    fields = ["counselor", "scenario", *TERMS, "status", "score"]
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
        # Only what was typed: feedback may complete the assignment at this moment.
        obj.save(update_fields=list(TERMS) if change else None)

    @admin.action(description="Reset to pending", permissions=["change"])
    def reset(self, request, queryset):
        done = sum(reset(assignment) for assignment in queryset)
        self.message_user(request, f"{done} reset. Only those in progress, without a live session, can be.")

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request, queryset):
        done = sum(cancel(assignment) for assignment in queryset)
        self.message_user(request, f"{done} cancelled. Only open ones, without a live session, can be.")
