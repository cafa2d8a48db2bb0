"""Page for the settings of a center."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.forms.boundfield import BoundField, BoundWidget
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.admin.organizations import OrganizationForm
from accounts.center.frame import render_center
from accounts.center.models_in_use import list_models_in_use
from accounts.center.sections import SECTIONS, SETTINGS, Setting, SettingsSection
from accounts.forms import FeaturesField
from accounts.models import Feature, Organization
from accounts.web.requests import AuthenticatedRequest

# Languages that are offered by name. Any other code that is already set stays in the list.
LANGUAGES = (
    "ar bg ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv nl no pl pt ro ru sk sl sr sv sw ta th tr uk "
    "ur vi"
)
AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class FeatureSwitches(forms.CheckboxSelectMultiple):
    """Checkboxes whose name is the feature's title alone. Its explanation describes them."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        own_id = option["attrs"]["id"]
        option["attrs"] |= {"aria-labelledby": f"{own_id}_label", "aria-describedby": f"{own_id}_helptext"}
        return option


class CenterForm(OrganizationForm):
    """Every setting of the registry. Changes that delete something ask first, with a checkbox of their own."""

    class Meta:
        model = Organization
        fields = [*SETTINGS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, setting in SETTINGS.items():
            field = self.fields[name]
            field.label, field.help_text = str(setting.label), str(setting.explanation)
            if isinstance(field, forms.BooleanField):
                # Otherwise, the explanation inside the label would be part of the switch's name.
                field.widget.attrs["aria-labelledby"] = f"id_{name}_label"
        self.fields["features"].widget = FeatureSwitches(choices=[(one.key, one.title) for one in Feature])
        self.fields["support_contacts"].widget.attrs["rows"] = 5
        self.fields["agreement_minimum"].widget.attrs["placeholder"] = settings.AGREEMENT_MIN_REVIEWS
        self._offer("time_zone", _list_time_zones())
        self._offer("transcription_language", _list_languages())

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Turn a text field into a list of choices that includes its current value."""
        current = getattr(self.instance, name)
        if current not in dict(choices):
            choices.append((current, current))
        old = self.fields[name]
        self.fields[name] = forms.ChoiceField(label=old.label, help_text=old.help_text, required=False, choices=choices)

    def sections(self) -> Iterator["FormSection"]:
        for section in SECTIONS:
            yield FormSection(section, [FormSetting(setting, self) for setting in section.settings])


@dataclass(frozen=True)
class FormSection:
    """A section of the page."""

    section: SettingsSection
    rows: list["FormSetting"]


@dataclass(frozen=True)
class FormSetting:
    """A setting of the page, with its field and, if a deletion must be confirmed, the checkbox for that."""

    setting: Setting
    form: CenterForm

    @property
    def field(self) -> BoundField:
        return self.form[self.setting.field]

    @property
    def features(self) -> list[tuple[BoundWidget, Feature]] | None:
        """Return a checkbox for each feature, or None for any other setting."""
        return [*zip(self.field, Feature, strict=True)] if isinstance(self.field.field, FeaturesField) else None

    @property
    def is_switch(self) -> bool:
        return isinstance(self.field.field, forms.BooleanField)

    @property
    def confirmation(self) -> BoundField | None:
        if not self.setting.confirmation or self.form[self.setting.confirmation].is_hidden:
            return None
        return self.form[self.setting.confirmation]


def _list_time_zones() -> list[tuple[str, str]]:
    names = sorted(name for name in available_timezones() if name.partition("/")[0] in AREAS or name == "UTC")
    default = _("Same as the installation (%(name)s)") % {"name": settings.TIME_ZONE}
    return [("", default), *((name, name) for name in names)]


def _list_languages() -> list[tuple[str, str]]:
    named = [(code, get_language_info(code)["name_translated"]) for code in LANGUAGES.split()]
    return [("", _("Detect it in each call")), *sorted(named, key=lambda one: one[1])]


@login_required
@permission_required("accounts.change_organization", raise_exception=True)
@require_http_methods(["GET", "POST"])
def center(request: AuthenticatedRequest) -> HttpResponse:
    """Show or save the settings of the reader's center."""
    organization = Organization.objects.for_user(request.user).get(pk=request.user.organization_id)
    form = CenterForm(request.POST if request.method == "POST" else None, instance=organization)
    if request.method == "POST" and form.is_valid():
        organization.save(update_fields=CenterForm.Meta.fields)
        messages.success(request, _("Saved. The settings apply from now on."))
        return redirect("accounts:center")
    context = {"form": form, "models": list_models_in_use()}
    return render_center(request, "accounts/center/settings.html", context, 400 if form.errors else 200)
