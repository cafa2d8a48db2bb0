"""Administration of sessions."""

from django.contrib import admin, messages
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantAdmin
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import ask_before_action, is_confirmed
from evaluation.admin.read_only import FeedbackRowsMixin
from evaluation.models import Evaluation
from evaluation.services.feedback_requests import grade_again
from recordings.models import Recording
from training.models import Session
from training.services.errors import SessionRefusedError
from training.services.sessions import end_by_supervisor


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


@admin.register(Session)
class SessionAdmin(FeedbackRowsMixin, TenantAdmin):
    list_display = ["title", "counselor", "mode", "kind", "status", "started_at", "grade"]
    list_filter = [SessionKindFilter, "mode", "status", ("counselor", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["scenario_version", "counselor"]
    search_fields = ["scenario_version__title", "counselor__first_name", "counselor__last_name", "counselor__email"]
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
        listed = super().get_queryset(request).without_warm_ups()
        return listed.prefetch_related(Prefetch("evaluations", shown, to_attr="shown_evaluations"))

    def get_search_fields(self, request):
        """Return the fields. Leave out addresses for users who may not see them and could guess them piece by piece."""
        fields = super().get_search_fields(request)
        may_see_people = request.user.has_perm("accounts.view_user")
        return fields if may_see_people else [name for name in fields if not name.endswith("email")]

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
        return (newest.final_grade or newest.get_status_display()) if newest else "-"

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
                    row.final_grade,
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
        if not live:
            self.message_user(request, gettext("None of the selected sessions is in progress."), messages.WARNING)
            return None
        if not is_confirmed(request):
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
        return None

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
