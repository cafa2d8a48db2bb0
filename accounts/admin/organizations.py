"""Admin pages for organizations, people, cohorts, accounts, and procedure documents."""

import logging
from functools import partial

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.tenant import ReadOnlyAdminMixin, TenantAdmin, TenantForm
from accounts.forms import FeaturesField, ProceduresField
from accounts.models import Account, Cohort, Organization, ProcedureDocument, ServiceToken, User
from accounts.procedures.upload_validation import InvalidProceduresError, check_procedures
from accounts.procedures.uploads import (
    CONFIRMING_MESSAGE,
    MAX_NOTE_LENGTH,
    PREPARING_MESSAGE,
    confirm_procedures,
    retry_procedures,
    upload_procedures,
)
from accounts.services.addresses import check_new_address
from accounts.services.rate_limits import RateLimitExceededError
from accounts.services.retention import RecordingsAtRiskError, check_retention
from accounts.web.reauthentication import reauthentication_required_to_post

logger = logging.getLogger(__name__)

# Hide allauth's own table of addresses: people log in with the address on their user record.
admin.site.unregister(EmailAddress)


CONFIRM_DELETION = gettext_lazy("Nothing was saved. To confirm the deletion, select the checkbox and save again.")


class NumberCheckbox(forms.CheckboxInput):
    """Checkbox that is shown unchecked and sends a number."""

    def __init__(self, number):
        super().__init__(check_test=lambda value: False)
        self.number = number

    def format_value(self, value):
        return str(self.number)


class RetentionForm(TenantForm):
    """Form for an owner of recordings. It asks for confirmation before a shorter retention deletes recordings.

    The checkbox for that is visible only if it is needed. It sends the number of recordings that its label gave.
    """

    confirmed_deletions = forms.IntegerField(
        label=gettext_lazy("Recordings to delete"), required=False, widget=forms.HiddenInput
    )

    def clean(self):
        super().clean()
        days = self.cleaned_data.get("recording_days")
        is_new = self.instance._state.adding
        if is_new or "recording_days" not in self.changed_data or "recording_days" in self.errors:
            return self.cleaned_data
        try:
            check_retention(self.instance, days, self.cleaned_data.get("confirmed_deletions") or 0)
        except RecordingsAtRiskError as error:
            self._ask_to_confirm(error)
        return self.cleaned_data

    def _ask_to_confirm(self, error):
        self.add_error("recording_days", [str(error), CONFIRM_DELETION])
        label = ngettext("Delete %(count)s recording", "Delete %(count)s recordings", error.count)
        self["confirmed_deletions"].label = label % {"count": f"{error.count:,}"}
        self.fields["confirmed_deletions"].widget = NumberCheckbox(error.count)


class OrganizationForm(RetentionForm):
    """Form for an organization. It also asks before kept complaints are deleted, with a checkbox of its own."""

    features = FeaturesField(label=gettext_lazy("Features"))
    confirms_complaint_deletion = forms.BooleanField(
        label=gettext_lazy("Delete all kept complaints"), required=False, widget=forms.HiddenInput
    )

    def clean(self):
        super().clean()
        stops_keeping = "keeps_sources" in self.changed_data and not self.cleaned_data.get("keeps_sources")
        if stops_keeping and not self.instance._state.adding:
            # Keep showing a selected checkbox, because another field may still be invalid.
            self.fields["confirms_complaint_deletion"].widget = forms.CheckboxInput()
            if not self.cleaned_data.get("confirms_complaint_deletion"):
                problem = _("This deletes all kept complaints. No one can restore them.")
                self.add_error("keeps_sources", [problem, CONFIRM_DELETION])
        return self.cleaned_data


@admin.register(Organization)
class OrganizationAdmin(TenantAdmin):
    """Admin of organizations. Superusers see all; an organization's admin sees their own and changes its settings."""

    form = OrganizationForm
    list_display = ["name", "call_slots", "recording_days", "keeps_sources", "created_at"]
    fields = [
        "name",
        "time_zone",
        "transcription_language",
        "features",
        "default_pass_mark",
        "default_attempts",
        "default_recording",
        "holds_feedback",
        "agreement_minimum",
        "call_slots",
        "recording_days",
        "confirmed_deletions",
        "keeps_sources",
        "confirms_complaint_deletion",
        "support_contacts",
    ]

    def get_readonly_fields(self, request, obj=None):
        return [] if request.user.is_superuser else ["name"]


class AddressForm(TenantForm):
    """Form for a person. It does not reveal that an address is in use in another organization."""

    def clean_email(self):
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if email != self.initial.get("email"):
            check_new_address(self.instance.organization, email, self.instance)
        return email


class UserForm(AddressForm, UserChangeForm):
    pass


WITHOUT_PASSWORD = gettext_lazy(
    "If disabled, the person cannot log in until they set a password with “Forgot your password?” on the login page."
)


class NewUserForm(AddressForm, AdminUserCreationForm):
    usable_password = AdminUserCreationForm.create_usable_password_field(WITHOUT_PASSWORD)


class PasswordForm(AdminPasswordChangeForm):
    usable_password_help_text = format_lazy(  # type: ignore[assignment]  # Django's own text is lazy too
        '{}<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
        WITHOUT_PASSWORD,
        gettext_lazy("Disabling this deletes the current password."),
    )


@admin.register(User)
class TenantUserAdmin(TenantAdmin, UserAdmin):
    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    ordering = ["email"]
    list_display = ["email", "first_name", "last_name", "role", "is_active"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "first_name", "last_name", "external_id"]
    filter_horizontal = []
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (gettext_lazy("Personal info"), {"fields": ["first_name", "last_name", "external_id", "role", "is_active"]}),
        (gettext_lazy("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "first_name", "last_name", "role", "usable_password", "password1", "password2"]})
    ]

    def get_fieldsets(self, request, obj=None):
        """Leave out the password for people who may not change it: its field links to a page that refuses them."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (name, options | {"fields": [field for field in options["fields"] if field != "password"]})
            for name, options in fieldsets
        ]

    @method_decorator(reauthentication_required_to_post)
    def changeform_view(self, request, *args, **kwargs):
        return super().changeform_view(request, *args, **kwargs)

    @method_decorator(reauthentication_required_to_post)
    def user_change_password(self, request, *args, **kwargs):
        return super().user_change_password(request, *args, **kwargs)

    def save_model(self, request, obj, form, change):
        """Save, and list the tokens that stop working because the person who issued them was deactivated."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            names = [token.name for token in ServiceToken.objects.for_user(request.user).issued_by(obj)]
            if names:
                text = _("These service tokens no longer work, because this person issued them: %(names)s.")
                self.message_user(request, text % {"names": ", ".join(names)}, messages.WARNING)

    def has_change_permission(self, request, obj=None):
        """Return True if the user may be changed. Only an operator may change an operator.

        An operator's email address or password would give access to every organization.
        """
        is_protected_operator = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not is_protected_operator


@admin.register(Cohort)
class CohortAdmin(TenantAdmin):
    """Admin of named groups of counselors. Members are chosen by search, because there may be thousands."""

    list_display = ["name", "created_at"]
    search_fields = ["name"]
    fields = ["name", "counselors"]
    autocomplete_fields = ["counselors"]

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs["queryset"] = User.objects.for_user(request.user).counselors()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class AccountForm(RetentionForm):
    procedures_file = ProceduresField(required=False, allow_empty_file=True)
    confirmation_note = forms.CharField(
        label=gettext_lazy("Confirmation"),
        required=False,
        max_length=MAX_NOTE_LENGTH,
        help_text=gettext_lazy(
            "If the newest document is waiting for confirmation, explain how you know that it is the right one."
        ),
    )
    warning = ""

    class Meta:
        model = Account
        fields = ["name", "number", "recording_days"]

    def clean(self):
        super().clean()
        # An empty upload is falsy, so compare with None.
        file = self.cleaned_data.get("procedures_file")
        if file is not None and "number" in self.cleaned_data:
            entered_account = Account(
                pk=self.instance.pk,
                organization_id=self.instance.organization_id,
                name=self.cleaned_data.get("name", ""),
                number=self.cleaned_data["number"],
            )
            try:
                self.warning = check_procedures(entered_account, file)
            except InvalidProceduresError as error:
                self.add_error("procedures_file", str(error))
        return self.cleaned_data


@admin.register(Account)
class AccountAdmin(TenantAdmin):
    form = AccountForm
    list_display = ["name", "number", "procedure_document"]
    search_fields = ["name", "number"]
    readonly_fields = ["procedure_document", "procedure_history"]
    fieldsets = [
        (None, {"fields": ["name", "number", "recording_days", "confirmed_deletions"]}),
        (
            gettext_lazy("Procedures"),
            {"fields": ["procedure_document", "procedures_file", "confirmation_note", "procedure_history"]},
        ),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).with_procedures()

    def view_on_site(self, account):
        return reverse("accounts:account_detail", args=[account.pk])

    @admin.display(description=gettext_lazy("current procedures"))
    def procedure_document(self, account):
        document = account.procedures
        current = f"{document.filename}, {timezone.localtime(document.uploaded_at):%Y-%m-%d}" if document else _("None")
        status_messages: dict[str | None, str] = {
            ProcedureDocument.Status.PROCESSING: _("A new document is being prepared."),
            ProcedureDocument.Status.UNCONFIRMED: _("A new document needs your confirmation."),
            ProcedureDocument.Status.FAILED: _("The latest upload failed."),
        }
        message = status_messages.get(getattr(account, "newest_status", None))
        return f"{current}. {message}" if message else current

    @admin.display(description=gettext_lazy("upload history"))
    def procedure_history(self, account):
        rows = account.documents.newest_first().select_related("uploaded_by", "replaced", "confirmed_by")
        return format_html_join("", "<div>{}</div>", ((_describe_upload(row),) for row in rows)) or "-"

    def save_model(self, request, obj, form, change):
        # Save only the form's fields: a worker may be changing the active procedures concurrently.
        obj.save(update_fields=AccountForm.Meta.fields if change else None)
        if file := form.cleaned_data.get("procedures_file"):
            # Upload after the commit: storage can be slow, and the rows are locked until then.
            transaction.on_commit(partial(self._upload, request, obj, file, form.warning))
        elif note := form.cleaned_data.get("confirmation_note"):
            self._confirm(request, obj, note)

    def _upload(self, request, account, file, warning):
        try:
            upload_procedures(account, file, request.user, warning)
        except RateLimitExceededError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        except Exception:
            logger.exception("Procedures not stored", extra={"account_id": account.pk})
            error = _("We couldn’t save the document. Please upload it again.")
            self.message_user(request, error, messages.ERROR)
        else:
            if warning:
                self.message_user(request, warning, messages.WARNING)
            self.message_user(request, PREPARING_MESSAGE)

    def _confirm(self, request, account, note):
        newest = account.documents.newest_first().first()
        if newest and confirm_procedures(newest, request.user, note):
            self.message_user(request, CONFIRMING_MESSAGE)
        else:
            self.message_user(request, _("No document is waiting for confirmation."), messages.WARNING)


def _describe_upload(document):
    """Return one line about an upload: its time, file, uploader, status, and confirmation."""
    parts = {
        "time": f"{timezone.localtime(document.uploaded_at):%Y-%m-%d %H:%M}",
        "file": document.filename,
        "status": document.get_status_display(),
        "person": document.uploaded_by,
    }
    sentences = [_("%(time)s: %(file)s, uploaded by %(person)s. %(status)s.") % parts]
    if document.replaced:
        sentences.append(_("Replaced %(file)s.") % {"file": document.replaced.filename})
    if document.is_unconfirmed:
        sentences.append(document.warning)
    if document.confirmed_at:
        confirmation = {
            "person": document.confirmed_by,
            "time": f"{timezone.localtime(document.confirmed_at):%Y-%m-%d %H:%M}",
            "note": document.confirmation_note,
        }
        sentences.append(_("Confirmed by %(person)s, %(time)s: %(note)s") % confirmation)
    return " ".join([*sentences, document.failure]).strip()


@admin.register(ProcedureDocument)
class ProcedureDocumentAdmin(ReadOnlyAdminMixin, TenantAdmin):
    """Admin of the procedure document history. Rows are never deleted or rewritten."""

    list_display = ["filename", "account", "status", "uploaded_at", "uploaded_by"]
    list_filter = ["status", ("account", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["account", "uploaded_by"]
    actions = ["try_again"]
    fields = [
        "account",
        "filename",
        "size",
        "page_count",
        "status",
        "failure",
        "warning",
        "confirmation_note",
        "confirmed_by",
        "confirmed_at",
        "uploaded_by",
        "uploaded_at",
        "replaced",
    ]

    def has_retry_permission(self, request):
        """Return True for users who may upload procedures, because indexing them again costs money."""
        return request.user.has_perm("accounts.change_account")

    @admin.action(description=gettext_lazy("Retry failed documents"), permissions=["retry"])
    def try_again(self, request, queryset):
        count, refusal = 0, None
        try:
            for document in queryset:
                count += retry_procedures(document, request.user)
        except RateLimitExceededError as error:
            refusal = error
            self.message_user(request, str(refusal), messages.ERROR)
        if count:
            message = ngettext("%(count)d document was queued again.", "%(count)d documents were queued again.", count)
            self.message_user(request, message % {"count": count})
        elif not refusal:
            self.message_user(request, _("None of the selected documents has failed."), messages.WARNING)
