from typing import Any, ClassVar

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Feature, User
from accounts.procedures.upload_validation import ALLOWED_SUFFIXES, InvalidProceduresError, check_procedures
from accounts.procedures.uploads import MAX_NOTE_LENGTH


class ProceduresField(forms.FileField):
    """File field for a procedure document."""

    widget = forms.FileInput(attrs={"accept": ",".join(sorted(ALLOWED_SUFFIXES))})

    def __init__(self, **kwargs: object) -> None:
        help_text = _("PDF, TXT, or MD, up to 20 MB. The current document stays in use until the new one is ready.")
        super().__init__(**({"label": _("New document"), "help_text": help_text} | kwargs))  # type: ignore[arg-type]


class FeaturesField(forms.MultipleChoiceField):
    """One checkbox for each feature. The value is that of `Organization.features`, without those at their default."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, choices=[(one.key, one.title) for one in Feature], **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the keys of the features that are on."""
        if not isinstance(value, dict):
            return value
        return [feature.key for feature in Feature if value.get(feature.key, feature.is_on_by_default)]

    def clean(self, value: Any) -> dict[str, bool]:
        chosen = super().clean(value)
        switches = {feature: feature.key in chosen for feature in Feature}
        return {feature.key: is_on for feature, is_on in switches.items() if is_on != feature.is_on_by_default}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class ProceduresForm(forms.Form):
    """Upload form for an account's procedure document. `warning` holds a warning about an accepted file."""

    procedures_file = ProceduresField(allow_empty_file=True, error_messages={"required": _("Choose a file.")})

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.warning = ""

    def clean_procedures_file(self) -> object:
        file = self.cleaned_data["procedures_file"]
        try:
            self.warning = check_procedures(self.account, file)
        except InvalidProceduresError as error:
            raise forms.ValidationError(str(error)) from error
        return file


class ProceduresConfirmationForm(forms.Form):
    """A person's reason for using a document in spite of its warning."""

    note = forms.CharField(
        label=_("How do you know that this is the right document?"),
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Enter a note.")},
    )


class SectionSearchForm(forms.Form):
    """Search in the sections of a procedure document."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)


class EmailChangeForm(forms.Form):
    """A person's new address. Any address is accepted here, whether or not another account uses it."""

    email = forms.EmailField(label=_("New email address"), max_length=254)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if email == self.user.email:
            raise forms.ValidationError(_("You already log in with this address."))
        return email


class PlainFieldsMixin:
    """Fields of allauth's forms without placeholders, which repeat the labels, and with labels in sentence case."""

    LABELS: ClassVar = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }
    fields: dict[str, forms.Field]
    is_bound: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.LABELS.get(name, field.label)
        if self.fields and not self.is_bound:
            next(iter(self.fields.values())).widget.attrs["autofocus"] = True


class PlainLoginForm(PlainFieldsMixin, LoginForm):
    """allauth's form."""


class PlainReauthenticateForm(PlainFieldsMixin, ReauthenticateForm):
    """allauth's form."""


class PlainPasswordChangeForm(PlainFieldsMixin, ChangePasswordForm):
    """allauth's form."""


class PlainPasswordResetForm(PlainFieldsMixin, ResetPasswordKeyForm):
    """allauth's form."""


class PasswordResetRequestForm(PlainFieldsMixin, ResetPasswordForm):
    """allauth's form, limited to the addresses that people log in with. Unconfirmed and former ones are ignored."""

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=email, is_active=True).exclude(role=User.Role.SERVICE))
        return email


class EmailNotificationsForm(forms.ModelForm):
    """Form for a person's choice of email notifications. Only people who review feedback can choose emails about it."""

    class Meta:
        model = User
        fields = ["mail_assigned", "mail_due_soon", "mail_feedback", "mail_review"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.has_perm("evaluation.add_review"):
            del self.fields["mail_review"]
