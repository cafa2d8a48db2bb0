from django.contrib import admin, messages
from django.db import models
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin import TenantAdmin
from accounts.web.confirmation import ask_before_action, is_confirmed
from recordings.models import Recording
from recordings.services.deletion import LegalHoldError, delete_recording


@admin.register(Recording)
class RecordingAdmin(TenantAdmin):
    """Admin page for recordings: status, legal holds, and deletion. Playback is on the session's page."""

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
        "reason_text",
        "length",
        "agreement",
        "kept_until",
        "is_held",
        "hold_reason",
        "deleted_copies",
    )
    readonly_fields = tuple(name for name in fields if name not in {"is_held", "hold_reason"})

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        """Return False: the row stays as the record of the audio's deletion."""
        return False

    def has_erase_permission(self, request):
        return request.user.has_perm("recordings.erase_recording")

    def save_model(self, request, obj, form, change):
        # A worker may be writing the other fields at the same time.
        obj.save(update_fields=["is_held", "hold_reason"])

    @admin.display(description=gettext_lazy("title"), ordering="session__scenario_version__title")
    def title(self, recording):
        return recording.session.title

    @admin.display(description=gettext_lazy("counselor"), ordering="session__counselor__email")
    def counselor(self, recording):
        return recording.session.counselor

    @admin.display(description=gettext_lazy("reason"))
    def reason_text(self, recording):
        return recording.reason_text or "-"

    @admin.display(description=gettext_lazy("length"))
    def length(self, recording):
        seconds = (recording.duration_ms or 0) // 1000
        return f"{seconds // 60}:{seconds % 60:02}" if recording.is_playable else "-"

    @admin.display(description=gettext_lazy("kept until"))
    def kept_until(self, recording):
        if recording.state == Recording.State.DELETED:
            return _("Deleted")
        if recording.is_held:
            return _("Legal hold")
        until = recording.kept_until
        return f"{until:%Y-%m-%d}" if until else _("No end date")

    @admin.display(description="")
    def listen(self, recording):
        url = reverse("evaluation:session", args=[recording.session_id])
        return format_html('<a href="{}">{}</a>', url, _("Open session"))

    @admin.display(description=gettext_lazy("recording consent"))
    def agreement(self, recording):
        consent = getattr(recording.session, "recording_consent", None)
        if consent is None:
            return "-"
        if consent.text_version:
            message = _("%(person)s agreed on %(time)s UTC to version %(version)s of the text")
        else:
            message = _("%(person)s agreed on %(time)s UTC to text shown by another program")
        return message % {
            "person": consent.user,
            "time": f"{consent.agreed_at:%Y-%m-%d %H:%M}",
            "version": consent.text_version,
        }

    @admin.display(description=gettext_lazy("deleted copies"))
    def deleted_copies(self, recording):
        deletion = getattr(recording, "deletion", None)
        if deletion is None:
            return "-"
        message = _("%(time)s UTC, requested by %(person)s") if deletion.requested_by else _("%(time)s UTC")
        when = message % {"time": f"{deletion.deleted_at:%Y-%m-%d %H:%M}", "person": deletion.requested_by}
        head = format_html("<p>{} ({})</p>", when, deletion.get_reason_display())
        copies = ((_describe_copy(copy),) for copy in deletion.removed)
        return head + format_html_join("", "<div>{}</div>", copies)

    @admin.action(description=gettext_lazy("Delete audio permanently"), permissions=["erase"])
    def delete_now(self, request, queryset: models.QuerySet[Recording]):
        """Ask first, and then delete every copy."""
        if not is_confirmed(request):
            text = _(
                "Every copy of the audio is deleted right away, and no one can restore it. The transcripts and the "
                "feedback are kept. Recordings under a legal hold are kept too."
            )
            return ask_before_action(
                self, request, queryset, _("Delete audio permanently?"), text, _("Delete audio permanently")
            )
        deleted = held = 0
        for recording in queryset:
            try:
                delete_recording(recording, by=request.user)
                deleted += 1
            except LegalHoldError:
                held += 1
        if deleted:
            message = ngettext(
                "%(count)d recording was deleted. Its page lists the deleted copies.",
                "%(count)d recordings were deleted. Their pages list the deleted copies.",
                deleted,
            )
            self.message_user(request, message % {"count": deleted})
        if held:
            message = ngettext(
                "%(count)d recording was kept because of a legal hold.",
                "%(count)d recordings were kept because of a legal hold.",
                held,
            )
            self.message_user(request, message % {"count": held}, messages.WARNING)
        return None


def _describe_copy(copy):
    kinds = {"file": _("File"), "segment": _("Segment"), "spool": _("Spool"), "peaks": _("Waveform")}
    message = ngettext("%(kind)s %(key)s (%(count)d byte)", "%(kind)s %(key)s (%(count)d bytes)", copy["bytes"])
    return message % {"kind": kinds.get(copy["what"], copy["what"]), "key": copy["key"], "count": copy["bytes"]}
