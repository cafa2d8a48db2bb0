"""Forms of the center's pages, except its settings."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.admin.organizations import AddressForm
from accounts.integrations.scopes import Scope
from accounts.integrations.webhooks import check_webhook
from accounts.models import Cohort, Invitation, User, WebhookEvent
from accounts.web.visible_text import is_blank


class InviteForm(forms.Form):
    """Pasted addresses, and the role that the people get."""

    addresses = forms.CharField(
        label=_("Email addresses"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Paste a list, in any form, with or without names. Up to 100 people at once."),
        error_messages={"required": _("Enter at least one email address.")},
    )
    role = forms.ChoiceField(label=_("They join as"), choices=Invitation.ROLES)


class PeopleFilterForm(forms.Form):
    """Filters of the list of people, in the address of the page."""

    FORMER = "former"
    ROLES = [("", _("Everyone")), *Invitation.ROLES, (FORMER, _("Deactivated"))]

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    role = forms.ChoiceField(required=False, choices=ROLES)


class PersonForm(AddressForm):
    """Details and role of a person, for administrators."""

    role = forms.ChoiceField(label=_("Role"), choices=Invitation.ROLES)

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", "external_id", "role"]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk == by.pk:
            # Nobody locks themselves out, and the center keeps an administrator.
            self.fields["role"].disabled = True
            self.fields["role"].help_text = _("Ask another administrator to change your own role.")


class AcceptInvitationForm(forms.Form):
    """Name and password of an invited person."""

    first_name = forms.CharField(
        label=_("First name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    password = forms.CharField(
        label=_("Choose a password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. A few words that only you connect work well. No one else sees it."),
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        first, _space, last = invitation.name.rpartition(" ")
        kwargs["initial"] = {"first_name": first or last, "last_name": last if first else ""}
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean(self) -> dict[str, Any]:
        super().clean()
        person = User(
            email=self.invitation.email,
            first_name=self.cleaned_data.get("first_name", ""),
            last_name=self.cleaned_data.get("last_name", ""),
        )
        if password := self.cleaned_data.get("password"):
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        for name in ("first_name", "last_name"):
            if name in self.cleaned_data and is_blank(self.cleaned_data[name]):
                self.add_error(name, _("Enter your name as others will see it."))
        return self.cleaned_data


class CohortForm(forms.ModelForm):
    """Name of a cohort."""

    class Meta:
        model = Cohort
        fields = ["name"]

    def _get_validation_exclusions(self) -> set[str]:
        """Check that the name is the only one in the organization, which is not a field of the form."""
        return super()._get_validation_exclusions() - {"organization"}  # type: ignore[misc]


class MemberSearchForm(forms.Form):
    """Search for counselors to add to a cohort."""

    q = forms.CharField(required=False, max_length=100)


class MembersForm(forms.Form):
    """Counselors to add to a cohort, or to take out of it."""

    people = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(), error_messages={"required": _("Choose at least one person.")}
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = User.objects.for_user(by).filter(role=User.Role.COUNSELOR)  # type: ignore[attr-defined]


class TokenForm(forms.Form):
    """A new service token. Scopes are offered in words."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("The system that uses this token, such as “Learning system”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It can"),
        choices=[(scope.value, scope.label) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one thing that it can do.")},
    )
    expires_on = forms.DateField(
        label=_("Works until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The end of this day. Leave blank for a token that never expires."),
    )


class WebhookForm(forms.Form):
    """A webhook: the address that receives events, and which ones."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("The https:// address of the system that receives the events."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it about"),
        choices=WebhookEvent.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )

    def clean(self) -> dict[str, Any]:
        super().clean()
        if "url" in self.cleaned_data and "events" in self.cleaned_data:
            try:
                check_webhook(self.cleaned_data["url"], self.cleaned_data["events"])
            except ValidationError as error:
                self.add_error(None, error)
        return self.cleaned_data


class ChangedWebhookForm(WebhookForm):
    """A webhook that exists. It can be paused."""

    is_active = forms.BooleanField(
        label=_("Send events"),
        required=False,
        help_text=_("If unchecked, events are not sent, and not kept for later."),
    )
