"""Administration of evaluations, with their criteria, flags, and reviews."""

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantAdmin
from evaluation.admin.read_only import FeedbackRowsMixin
from evaluation.admin.sessions import SessionKindFilter
from evaluation.grading.scoring import GRADE_THRESHOLDS
from evaluation.models import CriterionResult, Evaluation, Flag, Review
from evaluation.reports.final_feedback import build_final_feedback
from evaluation.services.reviews import record_review


class EvaluationKindFilter(SessionKindFilter):
    lookup = "session__in"


class FinalGradeFilter(admin.SimpleListFilter):
    """A filter by the grade with people's reviews, which is the one that the list shows."""

    title = _("grade with reviews")
    parameter_name = "grade"

    def lookups(self, request, model_admin):
        return [(letter, letter) for _lowest, letter in GRADE_THRESHOLDS]

    def queryset(self, request, queryset):
        return queryset.with_grade(self.value()) if self.value() else queryset


class ProceduresFilter(admin.SimpleListFilter):
    """A filter by whether passages of the procedures were found. Only graded feedback has an answer."""

    title = _("procedures searched")
    parameter_name = "searched"

    def lookups(self, request, model_admin):
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.graded().filter(used_file_search=True)
        return queryset.graded().exclude(used_file_search=True) if self.value() == "no" else queryset


def _final(evaluation):
    return build_final_feedback(evaluation, list(evaluation.criteria.all()))


class CriterionInline(FeedbackRowsMixin, admin.TabularInline):
    model = CriterionResult
    fields = readonly_fields = ("check_title", "verdict", "verdict_after_review", "explanation", "weight", "evidence")
    extra = 0

    @admin.display(description=_("check"))
    def check_title(self, result):
        return result.title

    @admin.display(description=_("verdict with reviews"))
    def verdict_after_review(self, result):
        return CriterionResult.Verdict(result.final_verdict).label

    @admin.display(description=_("reason"))
    def explanation(self, result):
        return result.reason_text

    @admin.display(description=_("evidence"))
    def evidence(self, result):
        return format_html_join("", "<p>“{}”</p>", ((quote["text"],) for quote in result.quotes)) or "-"


class FlagInline(FeedbackRowsMixin, admin.TabularInline):
    model = Flag
    fields = readonly_fields = ("severity", "kind", "note")
    extra = 0

    def get_queryset(self, request):
        return Flag.objects.for_user(request.user)

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("evaluation.view_flag")


class ReviewInline(admin.TabularInline):
    model = Review
    fields = ["criterion", "verdict", "new_verdict", "reason", "reviewer"]
    readonly_fields = ["reviewer"]
    extra = 0
    can_delete = False

    def get_formset(self, request, obj=None, **kwargs):
        self.evaluation = obj
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "criterion":
            kwargs["queryset"] = CriterionResult.objects.filter(evaluation=self.evaluation)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request, obj=None):
        """Return True if the user may review this feedback. No one reviews the feedback on their own session."""
        return obj is not None and Evaluation.objects.reviewable_by(request.user).filter(pk=obj.pk).exists()

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("evaluation.view_evaluation")

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Evaluation)
class EvaluationAdmin(TenantAdmin):
    list_display = ["session", "version", "status", "grade_after_review", "score_after_review", "created_at"]
    list_filter = [EvaluationKindFilter, "status", FinalGradeFilter, ProceduresFilter]
    list_select_related = ["session__scenario_version"]
    inlines = [CriterionInline, FlagInline, ReviewInline]
    fields = readonly_fields = (
        "session",
        "version",
        "status",
        "failure",
        "score",
        "grade",
        "score_after_review",
        "grade_after_review",
        "summary_after_review",
        "objective_after_review",
        "model",
        "prompt_version",
        "rubric_version",
        "transcript_hash",
        "procedures_document",
        "procedures_searched",
        "reason_without_procedures",
        "attempts",
    )

    @admin.display(description=_("score with reviews"))
    def score_after_review(self, evaluation):
        return "-" if evaluation.final_score is None else evaluation.final_score

    @admin.display(description=_("grade with reviews"))
    def grade_after_review(self, evaluation):
        return evaluation.final_grade or "-"

    @admin.display(description=_("summary"))
    def summary_after_review(self, evaluation):
        return _final(evaluation).rationale or "-"

    @admin.display(description=_("learning objective"))
    def objective_after_review(self, evaluation):
        return _final(evaluation).learning_objective or "-"

    @admin.display(description=_("procedures searched"), boolean=True)
    def procedures_searched(self, evaluation):
        return evaluation.searched_procedures

    @admin.display(description=_("graded without procedures"))
    def reason_without_procedures(self, evaluation):
        return evaluation.without_procedures_text or "-"

    @admin.display(description=_("procedures document"))
    def procedures_document(self, evaluation):
        return evaluation.document or "-"

    def get_queryset(self, request):
        return Evaluation.objects.shown_to(request.user)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        """Allow reviewers to add a review. Every field of the evaluation itself is read-only."""
        if obj is None:
            return request.user.has_perm("evaluation.add_review")
        return Evaluation.objects.reviewable_by(request.user).filter(pk=obj.pk).exists()

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        """Skip saving: the form edits no field, and writing the row back would undo a worker's concurrent update."""

    def save_formset(self, request, form, formset, change):
        for row in formset.save(commit=False):
            try:
                review = record_review(
                    row.evaluation, request.user, row.verdict, row.reason, row.criterion, row.new_verdict
                )
            except ValidationError as error:
                formset.new_objects.remove(row)
                self.message_user(request, error.message, messages.ERROR)
                continue
            # Django's log entry names the objects of the formset.
            row.pk, row.reviewer = review.pk, review.reviewer
