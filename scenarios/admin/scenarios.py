from django import forms
from django.contrib import admin
from django.db import models, transaction

from accounts.admin import ScopedAdmin, ScopedForm
from scenarios.models import MAX_SKILLS, Category, Scenario, Skill
from scenarios.services.contexts import CONTEXT_LIMIT, write_evaluator_context
from scenarios.services.library import promote


@admin.register(Category, Skill)
class NamedAdmin(ScopedAdmin):
    fields = ["name"]
    search_fields = ["name"]


class LinesField(forms.CharField):
    """Text with one character at a line's end: browsers send two, which would be a changed and a longer text."""

    def to_python(self, value):
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ScenarioForm(ScopedForm):
    evaluator_context = LinesField(
        required=False,
        max_length=CONTEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 12, "cols": 80}),
        help_text="What you want assessed. Each point of a list becomes a check. The caller never sees it.",
    )

    class Meta:
        model = Scenario
        fields = [
            "title",
            "description",
            "mode",
            "category",
            "difficulty",
            "estimated_minutes",
            "skills",
            "prompt",
            "opens",
            "account",
            "relevant_policy_sections",
            "is_one_time",
            "is_active",
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["evaluator_context"].initial = self.instance.evaluator_context

    def clean_skills(self):
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS:
            raise forms.ValidationError(f"At most {MAX_SKILLS} skills; you chose {len(skills)}.")
        return skills


class ScenarioAdmin(ScopedAdmin):
    """Writing scenarios. Registered by `training`, which knows who can be given them."""

    form = ScenarioForm
    formfield_overrides = {models.TextField: {"form_class": LinesField}}
    list_display = ["title", "mode", "category", "difficulty", "account", "is_one_time", "is_active"]
    list_filter = [
        "mode",
        ("category", admin.RelatedOnlyFieldListFilter),
        "difficulty",
        ("account", admin.RelatedOnlyFieldListFilter),
        "is_one_time",
        "is_active",
    ]
    list_select_related = ["category", "account"]
    search_fields = ["title", "description"]
    filter_horizontal = ["skills"]
    actions = ["promote_to_library"]
    fieldsets = [
        (None, {"fields": ["title", "description", "mode", "category", "difficulty", "estimated_minutes", "skills"]}),
        ("The caller", {"fields": ["prompt", "opens"]}),
        ("What is assessed", {"fields": ["account", "evaluator_context", "relevant_policy_sections"]}),
        ("Where it stands", {"fields": ["is_one_time", "is_active"]}),
    ]

    def get_readonly_fields(self, request, obj=None):
        return ["mode"] if obj and obj.is_assigned else []

    def has_delete_permission(self, request, obj=None):
        """An assigned scenario is retired, not deleted: its assignments stand on it."""
        return super().has_delete_permission(request, obj) and not (obj and obj.is_assigned)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.created_by = request.user
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            write_evaluator_context(obj, form.cleaned_data["evaluator_context"])

    @admin.action(description="Promote to the library", permissions=["change"])
    def promote_to_library(self, request, queryset):
        for scenario in queryset:
            promote(scenario)
        self.message_user(request, f"{len(queryset)} in the library. Look once more that nothing personal is left.")
