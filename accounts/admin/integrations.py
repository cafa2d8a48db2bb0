"""Admin pages for service tokens and webhooks."""

from django import forms
from django.contrib import admin, messages
from django.utils.decorators import method_decorator
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.tenant import TenantAdmin, TenantForm
from accounts.integrations.scopes import Scope
from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.integrations.webhooks import add_webhook, check_webhook
from accounts.models import ServiceToken, Webhook, WebhookEvent
from accounts.web.confirmation import ask_before_action, is_confirmed
from accounts.web.reauthentication import reauthentication_required_to_post


class ServiceTokenForm(TenantForm):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope.value, format_lazy("{}: {}", scope.value, scope.label)) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ServiceToken
        fields = ["name", "scopes", "expires_at"]


@admin.register(ServiceToken)
class ServiceTokenAdmin(TenantAdmin):
    """Admin of service tokens, which can be issued and revoked but not changed. The secret is shown only once."""

    form = ServiceTokenForm
    list_display = ["name", "hint", "scope_names", "created_at", "expires_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    def get_fields(self, request, obj=None):
        return self.list_display if obj else ServiceTokenForm.Meta.fields

    @admin.display(description=gettext_lazy("scopes"))
    def scope_names(self, token):
        return ", ".join(token.scopes)

    @method_decorator(reauthentication_required_to_post)
    def changeform_view(self, request, *args, **kwargs):
        return super().changeform_view(request, *args, **kwargs)

    def has_change_permission(self, request, obj=None):
        return False

    def has_revoke_permission(self, request):
        return request.user.has_perm("accounts.change_servicetoken")

    def save_model(self, request, obj, form, change):
        token, secret = issue_service_token(
            request.user, obj.name, form.cleaned_data["scopes"], form.cleaned_data["expires_at"]
        )
        obj.pk = token.pk
        warning = _("Copy this secret now. You won’t be able to see it again: %(secret)s") % {"secret": secret}
        self.message_user(request, warning, messages.WARNING)

    @admin.action(description=gettext_lazy("Revoke selected tokens"), permissions=["revoke"])
    def revoke(self, request, queryset):
        if not is_confirmed(request):
            text = _("The systems that use these tokens lose access right away. You can’t undo this.")
            return ask_before_action(self, request, queryset, _("Revoke tokens?"), text, _("Revoke tokens"))
        count = sum(revoke_service_token(token) for token in queryset)
        if not count:
            self.message_user(request, _("The selected tokens were already revoked."), messages.WARNING)
            return None
        message = ngettext(
            "%(count)d token was revoked and no longer works.",
            "%(count)d tokens were revoked and no longer work.",
            count,
        )
        self.message_user(request, message % {"count": count})
        return None


class WebhookForm(TenantForm):
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), choices=WebhookEvent.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Webhook
        fields = ["url", "events", "is_active"]

    def clean(self):
        super().clean()
        if "url" in self.cleaned_data and "events" in self.cleaned_data:
            check_webhook(self.cleaned_data["url"], self.cleaned_data["events"])
        return self.cleaned_data


@admin.register(Webhook)
class WebhookAdmin(TenantAdmin):
    form = WebhookForm
    list_display = ["url", "event_names", "is_active", "created_at"]
    readonly_fields = ["secret"]

    def get_fields(self, request, obj=None):
        return ["url", "events", "is_active", "secret"] if obj else ["url", "events"]

    @admin.display(description=gettext_lazy("events"))
    def event_names(self, webhook):
        labels = dict(WebhookEvent.choices)
        return ", ".join(str(labels.get(event, event)) for event in webhook.events)

    def save_model(self, request, obj, form, change):
        if change:
            obj.save(update_fields=["url", "events", "is_active"])
            return
        added = add_webhook(request.user, obj.url, form.cleaned_data["events"])
        obj.pk, obj.secret = added.pk, added.secret
