"""Administration of documentation guidelines."""

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantAdmin, UnchangingAdminMixin
from accounts.procedures.unread_parts import explain_unread_parts
from evaluation.forms import GuidelinesForm
from evaluation.models import Guidelines


@admin.register(Guidelines)
class GuidelinesAdmin(UnchangingAdminMixin, TenantAdmin):
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

    def save_model(self, request, obj, form, change):
        obj.uploaded_by = request.user
        obj.save()
        for sentence in explain_unread_parts(obj.unread):
            self.message_user(request, sentence, messages.WARNING)
