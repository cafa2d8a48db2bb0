from django.contrib import admin
from django.shortcuts import render

from accounts.admin import ScopedAdmin
from accounts.models import User
from scenarios.admin import ScenarioAdmin
from scenarios.models import Scenario
from training.forms import AssignForm
from training.models import Assignment
from training.services.sessions import assign, cancel_assignment, reset_assignment


@admin.register(Scenario)
class AssignableScenarioAdmin(ScenarioAdmin):
    actions = [*ScenarioAdmin.actions, "assign_to_counselors"]

    def has_assign_permission(self, request):
        return request.user.has_perm("training.add_assignment")

    @admin.action(description="Assign to counselors…", permissions=["assign"])
    def assign_to_counselors(self, request, queryset):
        """Ask who and until when, then assign; what is retired or open already is left as it is and counted."""
        form = AssignForm(request.user, request.POST if "assign" in request.POST else None)
        if not form.is_valid():
            context = self.admin_site.each_context(request) | {
                "title": "Assign to counselors",
                "form": form,
                "scenarios": queryset,
                "opts": self.model._meta,
            }
            return render(request, "admin/training/assign.html", context)
        fields = {name: form.cleaned_data[name] for name in ("due_date", "notes", "require_recording")}
        given = [
            assign(scenario, counselor, request.user, **fields)
            for scenario in queryset.filter(is_active=True)
            for counselor in form.cleaned_data["counselors"]
        ]
        done = sum(assignment is not None for assignment in given)
        retired = queryset.filter(is_active=False).count()
        left_out = f" Retired scenarios left out: {retired}." if retired else ""
        self.message_user(request, f"{done} assigned, {len(given) - done} were open already.{left_out}")
        return None


@admin.register(Assignment)
class AssignmentAdmin(ScopedAdmin):
    list_display = ["scenario", "counselor", "status", "due_date", "assigned_by", "created_at"]
    list_filter = ["status", ("counselor", admin.RelatedOnlyFieldListFilter), "due_date"]
    list_select_related = ["scenario", "counselor", "assigned_by"]
    search_fields = ["scenario__title", "counselor__email"]
    actions = ["reset", "cancel"]
    fields = ["counselor", "scenario", "due_date", "notes", "require_recording", "status"]
    readonly_fields = ["status"]

    def get_readonly_fields(self, request, obj=None):
        return ["counselor", "scenario", "status"] if obj else ["status"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "counselor":
            kwargs["queryset"] = User.objects.for_user(request.user).filter(role=User.Role.COUNSELOR, is_active=True)
        if db_field.name == "scenario":
            kwargs["queryset"] = Scenario.objects.for_user(request.user).filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.assigned_by = request.user
        # Only what was typed: feedback may complete the assignment at this moment.
        obj.save(update_fields=["due_date", "notes", "require_recording"] if change else None)

    @admin.action(description="Reset to pending", permissions=["change"])
    def reset(self, request, queryset):
        done = sum(reset_assignment(assignment) for assignment in queryset)
        self.message_user(request, f"{done} reset. Only those in progress, without a live session, can be.")

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request, queryset):
        done = sum(cancel_assignment(assignment) for assignment in queryset)
        self.message_user(request, f"{done} cancelled. Only open ones, without a live session, can be.")
