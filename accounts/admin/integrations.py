"""The administration's pages for outside systems: their tokens, and where events are sent."""

from django import forms
from django.contrib import admin, messages

from accounts.admin.scoped import ScopedAdmin, ScopedForm
from accounts.models import Event, ServiceToken, Webhook
from accounts.services.webhooks import add_webhook, check_webhook
from accounts.tokens import issue_service_token, revoke_service_token, scope_choices


class TokenForm(ScopedForm):
    scopes = forms.MultipleChoiceField(choices=scope_choices(), widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ServiceToken
        fields = ["name", "scopes", "expires_at"]


@admin.register(ServiceToken)
class ServiceTokenAdmin(ScopedAdmin):
    """Issued once, revoked once, changed never. The secret is shown when it is issued, and kept nowhere."""

    form = TokenForm
    list_display = ["name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    def has_change_permission(self, request, obj=None):
        return False

    def has_revoke_permission(self, request):
        return request.user.has_perm("accounts.change_servicetoken")

    def save_model(self, request, obj, form, change):
        token, secret = issue_service_token(
            request.user, obj.name, form.cleaned_data["scopes"], form.cleaned_data["expires_at"]
        )
        obj.pk = token.pk
        self.message_user(request, f"Copy the secret now; it is not shown again: {secret}", messages.WARNING)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request, queryset):
        done = sum(revoke_service_token(token) for token in queryset)
        self.message_user(request, f"{done} revoked. Nothing is let in with them any more.")


class WebhookForm(ScopedForm):
    events = forms.MultipleChoiceField(choices=Event.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Webhook
        fields = ["url", "events", "is_active"]

    def clean(self):
        super().clean()
        if "url" in self.cleaned_data and "events" in self.cleaned_data:
            check_webhook(self.cleaned_data["url"], self.cleaned_data["events"])
        return self.cleaned_data


@admin.register(Webhook)
class WebhookAdmin(ScopedAdmin):
    form = WebhookForm
    list_display = ["url", "events", "is_active", "created_at"]
    readonly_fields = ["secret"]

    def get_fields(self, request, obj=None):
        return ["url", "events", "is_active", "secret"] if obj else ["url", "events"]

    def save_model(self, request, obj, form, change):
        if change:
            obj.save(update_fields=["url", "events", "is_active"])
            return
        added = add_webhook(request.user, obj.url, form.cleaned_data["events"])
        obj.pk, obj.secret = added.pk, added.secret
