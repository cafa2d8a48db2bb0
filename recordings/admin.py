from django.contrib import admin, messages
from django.db import models
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.admin import TenantAdmin
from recordings.models import Recording
from recordings.services.deletion import LegalHoldError, delete_recording


@admin.register(Recording)
class RecordingAdmin(TenantAdmin):
    """Admin of recordings: state, legal holds, and deletion. Playback is on the session's page."""

    list_display = ["title", "counselor", "state", "length", "kept_until", "is_held", "created_at"]
    list_filter = ["state", "is_held", ("session__counselor", admin.RelatedOnlyFieldListFilter)]
    list_select_related = [
        "session__scenario_version__account",
        "session__organization",
        "session__counselor",
    ]
    search_fields = ["session__scenario_version__title", "session__counselor__email"]
    actions = ["delete_now"]
    fields = (
        "title",
        "counselor",
        "listen",
        "state",
        "reason",
        "length",
        "agreement",
        "kept_until",
        "is_held",
        "hold_reason",
        "what_was_deleted",
    )
    readonly_fields = tuple(name for name in fields if name not in {"is_held", "hold_reason"})

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        """Return False: the row stays as the record of the audio's deletion."""
        return False

    def save_model(self, request, obj, form, change):
        # A worker may be writing the other fields at the same time.
        obj.save(update_fields=["is_held", "hold_reason"])

    @admin.display(ordering="session__scenario_version__title")
    def title(self, recording):
        return recording.session.title

    @admin.display(ordering="session__counselor__email")
    def counselor(self, recording):
        return recording.session.counselor

    @admin.display
    def length(self, recording):
        seconds = (recording.duration_ms or 0) // 1000
        return f"{seconds // 60}:{seconds % 60:02}" if recording.is_playable else "-"

    @admin.display
    def kept_until(self, recording):
        if recording.state == Recording.State.DELETED:
            return "deleted"
        if recording.is_held:
            return "legal hold"
        until = recording.kept_until
        return f"{until:%Y-%m-%d}" if until else "no end"

    @admin.display(description="")
    def listen(self, recording):
        return format_html(
            '<a href="{}">Open the session</a>', reverse("evaluation:session", args=[recording.session_id])
        )

    @admin.display(description="agreement to be recorded")
    def agreement(self, recording):
        consent = getattr(recording.session, "recording_consent", None)
        words = f"words of version {consent.text_version}" if consent and consent.text_version else "another program"
        return f"{consent.user}, {consent.agreed_at:%Y-%m-%d %H:%M} UTC ({words})" if consent else "-"

    @admin.display
    def what_was_deleted(self, recording):
        deletion = getattr(recording, "deletion", None)
        if deletion is None:
            return "-"
        by = f" by {deletion.requested_by}" if deletion.requested_by else ""
        when = f"{deletion.deleted_at:%Y-%m-%d %H:%M} UTC"
        head = format_html("<p>{}{}: {}</p>", when, by, deletion.get_reason_display())
        copies = ((copy["what"], copy["key"], copy["bytes"]) for copy in deletion.removed)
        return head + format_html_join("", "<div>{} {} ({} bytes)</div>", copies)

    @admin.action(description="Delete the audio for good", permissions=["change"])
    def delete_now(self, request, queryset: models.QuerySet[Recording]):
        deleted = held = 0
        for recording in queryset:
            try:
                delete_recording(recording, by=request.user)
                deleted += 1
            except LegalHoldError:
                held += 1
        self.message_user(request, f"{deleted} deleted. What was deleted stands in each recording's page.")
        if held:
            self.message_user(request, f"{held} kept: there is a legal hold.", messages.WARNING)
