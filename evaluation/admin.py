"""Django administration of sessions, evaluations, and documentation guidelines."""

from django.contrib import admin, messages
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantAdmin
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import ask_before_action, is_confirmed
from evaluation.forms import GuidelinesForm
from evaluation.models import CriterionResult, Evaluation, Flag, Guidelines, Review
from evaluation.services.feedback_requests import grade_again
from evaluation.services.reviews import record_review
from recordings.models import Recording
from training.models import Session
from training.services.errors import SessionRefusedError
from training.services.sessions import end_by_supervisor


class ReadOnlyAdminMixin:
    """Read-only administration of rows that practice sessions create."""

    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("evaluation.view_evaluation")


class SessionKindFilter(admin.SimpleListFilter):
    """A filter by kind of session. Trials of drafts are hidden until selected."""

    title = _("kind")
    parameter_name = "kind"
    lookup = "pk__in"

    def lookups(self, request, model_admin):
        return [*Session.Kind.choices, ("all", _("All, including trials"))]

    def queryset(self, request, queryset):
        if self.value() == "all":
            return queryset
        kind = self.value()
        sessions = Session.objects.filter(kind=kind) if kind else Session.objects.without_trials()
        return queryset.filter(**{self.lookup: sessions})

    def choices(self, changelist):
        default, *others = super().choices(changelist)
        return [default | {"display": _("Practice")}, *others]


class EvaluationKindFilter(SessionKindFilter):
    lookup = "session__in"


@admin.register(Session)
class SessionAdmin(ReadOnlyAdminMixin, TenantAdmin):
    list_display = ["title", "counselor", "mode", "kind", "status", "started_at", "grade"]
    list_filter = [SessionKindFilter, "mode", "status", ("counselor", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["scenario_version", "counselor"]
    search_fields = ["scenario_version__title", "counselor__email"]
    actions = ["grade_again", "end_live"]
    fields = readonly_fields = (
        "title",
        "counselor_name",
        "mode",
        "kind",
        "attempt",
        "status",
        "end_reason",
        "end_detail",
        "not_gradable_reason",
        "started_at",
        "ended_at",
        "feedback",
        "audio",
        "transcript",
    )

    def get_queryset(self, request):
        shown = Evaluation.objects.shown_to(request.user)
        return (
            super().get_queryset(request).prefetch_related(Prefetch("evaluations", shown, to_attr="shown_evaluations"))
        )

    def get_readonly_fields(self, request, obj=None):
        """Return the fields. Leave out the audio for users who may not listen to it."""
        fields = super().get_readonly_fields(request, obj)
        recordings = Recording.objects.filter(session=obj)
        is_audio_hidden = recordings.exists() and not recordings.listenable_by(request.user).exists()
        return fields if not is_audio_hidden else tuple(name for name in fields if name != "audio")

    def get_fields(self, request, obj=None):
        return self.get_readonly_fields(request, obj)

    def has_end_permission(self, request):
        return request.user.may_end_sessions

    def has_grade_permission(self, request):
        return request.user.has_perm("evaluation.grade_evaluation")

    @admin.display(description=_("title"))
    def title(self, session):
        return session.title

    # Not the field itself: Django would link it to the person's page, which evaluators may not open.
    @admin.display(description=_("counselor"))
    def counselor_name(self, session):
        return session.counselor

    @admin.display(description=_("grade"))
    def grade(self, session):
        newest = max(session.shown_evaluations, key=lambda evaluation: evaluation.version, default=None)
        return (newest.grade or newest.get_status_display()) if newest else "-"

    @admin.display(description=_("feedback"))
    def feedback(self, session):
        url = reverse("evaluation:session", args=[session.pk])
        page = format_html('<a href="{}">{}</a>', url, gettext("Open the review page"))
        versions = format_html_join(
            "",
            '<div><a href="{}">{} · {} {}</a></div>',
            (
                (
                    reverse("admin:evaluation_evaluation_change", args=[row.pk]),
                    gettext("Version %(number)s") % {"number": row.version},
                    row.get_status_display(),
                    row.grade,
                )
                for row in sorted(session.shown_evaluations, key=lambda row: -row.version)
            ),
        )
        return page + versions

    # Not named `recording`: Django would show the related row of that name instead.
    @admin.display(description=_("recording"))
    def audio(self, session):
        found = Recording.objects.filter(session=session).first()
        if found is None:
            return gettext("Not recorded")
        if not found.is_playable:
            return f"{found.get_state_display()} {gettext(found.reason)}".strip()
        return format_html(
            '<audio controls preload="metadata" src="{}"></audio>', reverse("recordings:audio", args=[found.pk])
        )

    @admin.display(description=_("transcript"))
    def transcript(self, session):
        lines = ((turn.get_role_display(), turn.text_heard) for turn in session.transcript())
        return format_html_join("", "<p><strong>{}</strong> {}</p>", lines) or gettext("No one said anything.")

    @admin.action(description=_("End live sessions"), permissions=["end"])
    def end_live(self, request, queryset):
        live = queryset.filter(pk__in=Session.objects.endable_by(request.user).live())
        if live and not is_confirmed(request):
            text = gettext(
                "This ends the sessions right away and tells the counselors that a supervisor ended them. The "
                "conversations so far are saved and graded. You can’t undo this."
            )
            return ask_before_action(self, request, live, gettext("End live sessions?"), text, gettext("End sessions"))
        ended = sum(end_by_supervisor(session) for session in live)
        message = ngettext(
            "%(count)s session ended. The conversation so far is saved and will be graded.",
            "%(count)s sessions ended. The conversations so far are saved and will be graded.",
            ended,
        )
        self.message_user(request, message % {"count": ended})

    @admin.action(description=_("Grade again"), permissions=["grade"])
    def grade_again(self, request, queryset):
        """Ask first, with the number of sessions that people have reviewed. Then queue those that can be graded."""
        if not is_confirmed(request):
            return self._ask_before_grading(request, queryset)
        queued, problems = 0, set()
        for session in queryset:
            try:
                grade_again(session, request.user)
                queued += 1
            except (SessionRefusedError, RateLimitExceededError) as error:
                problems.add(str(error))
        message = ngettext(
            "%(count)s session queued for grading. Live sessions are graded when they end.",
            "%(count)s sessions queued for grading. Live sessions are graded when they end.",
            queued,
        )
        self.message_user(request, message % {"count": queued})
        for problem in sorted(problems):
            self.message_user(request, problem, messages.WARNING)
        return None

    def _ask_before_grading(self, request, queryset):
        count = queryset.filter(evaluations__reviews__isnull=False).distinct().count()
        reviewed = ngettext(
            "A person has reviewed the feedback on %(count)s of these sessions. Their verdicts are kept in the new "
            "feedback. If a verdict can’t be kept because its check has changed, the new feedback needs human review.",
            "People have reviewed the feedback on %(count)s of these sessions. Their verdicts are kept in the new "
            "feedback. If a verdict can’t be kept because its check has changed, the new feedback needs human review.",
            count,
        )
        text = gettext("Each grading costs money. Counselors see the new feedback instead of the earlier feedback.")
        kept = reviewed % {"count": count} if count else gettext("No person has reviewed the earlier feedback.")
        text = f"{text} {kept}"
        return ask_before_action(self, request, queryset, gettext("Grade again?"), text, gettext("Grade again"))


class CriterionInline(ReadOnlyAdminMixin, admin.TabularInline):
    model = CriterionResult
    fields = readonly_fields = ("check_title", "verdict", "explanation", "weight", "evidence")
    extra = 0

    @admin.display(description=_("check"))
    def check_title(self, result):
        return result.title

    @admin.display(description=_("reason"))
    def explanation(self, result):
        return result.reason_text

    @admin.display(description=_("evidence"))
    def evidence(self, result):
        return format_html_join("", "<p>“{}”</p>", ((quote["text"],) for quote in result.quotes)) or "-"


class FlagInline(ReadOnlyAdminMixin, admin.TabularInline):
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
    list_filter = [EvaluationKindFilter, "status", "grade", "used_file_search"]
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
        "rationale",
        "learning_objective",
        "model",
        "prompt_version",
        "rubric_version",
        "transcript_hash",
        "procedures_document",
        "used_file_search",
        "without_procedures",
        "attempts",
    )

    @admin.display(description=_("score with reviews"))
    def score_after_review(self, evaluation):
        return "-" if evaluation.final_score is None else evaluation.final_score

    @admin.display(description=_("grade with reviews"))
    def grade_after_review(self, evaluation):
        return evaluation.final_grade or "-"

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
            review = record_review(
                row.evaluation, request.user, row.verdict, row.reason, row.criterion, row.new_verdict
            )
            # Django's log entry names the objects of the formset.
            row.pk, row.reviewer = review.pk, review.reviewer


@admin.register(Guidelines)
class GuidelinesAdmin(TenantAdmin):
    """Administration of documentation guidelines. The newest upload applies. Uploads are never changed."""

    form = GuidelinesForm
    list_display = ["filename", "uploaded_at", "uploaded_by"]
    list_select_related = ["uploaded_by"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.uploader = request.user
        return form

    def get_fields(self, request, obj=None):
        return ["filename", "text", "unread_parts", "uploaded_by", "uploaded_at"] if obj else ["file"]

    @admin.display(description=_("not read"))
    def unread_parts(self, guidelines):
        return " ".join(explain_unread_parts(guidelines.unread)) or "-"

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        obj.uploaded_by = request.user
        obj.save()
        for sentence in explain_unread_parts(obj.unread):
            self.message_user(request, sentence, messages.WARNING)
