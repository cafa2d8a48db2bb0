"""Pages for integrations: webhooks with their deliveries, and service tokens."""

from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.center.forms import ChangedWebhookForm, TokenForm, WebhookForm
from accounts.center.frame import render_center
from accounts.integrations.scopes import Scope
from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.integrations.webhooks import add_webhook
from accounts.models import Delivery, ServiceToken, User, Webhook, WebhookEvent
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.reauthentication import reauthentication_required_to_post
from accounts.web.requests import AuthenticatedRequest

PER_PAGE = 25
MAX_SHOWN = 200  # newest webhooks, and newest tokens


@dataclass(frozen=True)
class WebhookRow:
    """A webhook in the list, with the outcome of its newest delivery."""

    webhook: Webhook
    newest: Delivery | None

    @property
    def events(self) -> list[str]:
        labels = dict(WebhookEvent.choices)
        return [str(labels.get(event, event)) for event in self.webhook.events]

    @property
    def is_failing(self) -> bool:
        return self.webhook.is_active and self.newest is not None and bool(self.newest.failure)


@dataclass(frozen=True)
class TokenRow:
    """A token in the list, with its scopes in words and the reason why it no longer works."""

    token: ServiceToken
    is_usable: bool

    @property
    def scopes(self) -> list[str]:
        labels = dict(Scope.choices)
        return [str(labels.get(scope, scope)) for scope in self.token.scopes]

    @property
    def is_expired(self) -> bool:
        return self.token.expires_at is not None and self.token.expires_at <= timezone.now()


@login_required
@permission_required("accounts.view_webhook", raise_exception=True)
@require_GET
def integrations(request: AuthenticatedRequest) -> HttpResponse:
    """List webhooks and service tokens."""
    context = {"webhooks": _list_webhooks(request.user), "tokens": _list_tokens(request.user)}
    return render_center(request, "accounts/center/integrations.html", context)


def _list_webhooks(user: User) -> list[WebhookRow]:
    tried = Delivery.objects.for_user(user).filter(webhook=OuterRef("pk"), attempts__gt=0).order_by("-created_at", "pk")
    webhooks = Webhook.objects.for_user(user).annotate(newest_id=Subquery(tried.values("pk")[:1]))[:MAX_SHOWN]
    newest = Delivery.objects.for_user(user).in_bulk([webhook.newest_id for webhook in webhooks if webhook.newest_id])
    return [WebhookRow(webhook, newest.get(webhook.newest_id)) for webhook in webhooks]


def _list_tokens(user: User) -> list[TokenRow]:
    tokens = ServiceToken.objects.for_user(user)
    usable = set(tokens.usable().values_list("pk", flat=True))
    return [TokenRow(token, token.pk in usable) for token in tokens[:MAX_SHOWN]]


def _deliveries(user: User) -> QuerySet[Delivery]:
    return Delivery.objects.for_user(user).order_by("-created_at", "pk")


@login_required
@permission_required("accounts.add_servicetoken", raise_exception=True)
@require_http_methods(["GET", "POST"])
@reauthentication_required_to_post
@never_cache
def token_new(request: AuthenticatedRequest) -> HttpResponse:
    """Issue a token. Its secret is only in this response."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        last_day = form.cleaned_data["expires_on"]
        end = timezone.make_aware(datetime.combine(last_day, time.max)) if last_day else None
        token, secret = issue_service_token(request.user, form.cleaned_data["name"], form.cleaned_data["scopes"], end)
        return render_center(request, "accounts/center/secret.html", {"token": token, "secret": secret})
    return render_center(request, "accounts/center/token_new.html", {"form": form}, 400 if form.errors else 200)


@login_required
@permission_required("accounts.change_servicetoken", raise_exception=True)
@require_POST
def token_revoke(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Revoke a token, after a question."""
    token = get_object_or_404(ServiceToken.objects.for_user(request.user), pk=pk)
    if not is_confirmed(request):
        text = _("The system that uses this token loses access right away. You can’t undo this.")
        title = _("Revoke the token “%(name)s”?") % {"name": token.name}
        return ask_first(request, Question(title, text, _("Revoke token"), reverse("accounts:integrations")))
    if revoke_service_token(token):
        messages.success(request, _("The token “%(name)s” no longer works.") % {"name": token.name})
    else:
        messages.info(request, _("The token “%(name)s” was already revoked.") % {"name": token.name})
    return redirect("accounts:integrations")


@login_required
@permission_required("accounts.add_webhook", raise_exception=True)
@never_cache
@require_http_methods(["GET", "POST"])
def webhook_new(request: AuthenticatedRequest) -> HttpResponse:
    """Add a webhook, and show its secret once."""
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        webhook = add_webhook(request.user, form.cleaned_data["url"], form.cleaned_data["events"])
        context = {"webhook": webhook, "secret": webhook.secret}
        return render_center(request, "accounts/center/secret.html", context)
    return render_center(request, "accounts/center/webhook_new.html", {"form": form}, 400 if form.errors else 200)


@login_required
@permission_required("accounts.change_webhook", raise_exception=True)
@require_http_methods(["GET", "POST"])
def webhook_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show a webhook with its deliveries, or change it."""
    webhook = _get_webhook(request, pk)
    saved = {"url": webhook.url, "events": webhook.events, "is_active": webhook.is_active}
    form = ChangedWebhookForm(request.POST if request.method == "POST" else None, initial=saved)
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data | {"events": sorted(set(form.cleaned_data["events"]))}
        Webhook.objects.for_user(request.user).filter(pk=pk).update(**fields)
        messages.success(request, _("The webhook was saved."))
        return redirect("accounts:webhook_detail", pk=pk)
    deliveries = _deliveries(request.user).filter(webhook=webhook)
    context = {
        "webhook": webhook,
        "form": form,
        "deliveries": get_countless_page(deliveries, PER_PAGE, request.GET.get("page")),
    }
    return render_center(request, "accounts/center/webhook_detail.html", context, 400 if form.errors else 200)


@login_required
@permission_required("accounts.delete_webhook", raise_exception=True)
@require_POST
def webhook_delete(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Delete a webhook with its deliveries, after a question."""
    webhook = _get_webhook(request, pk)
    if not is_confirmed(request):
        text = _("%(url)s gets no more events, and the list of deliveries is deleted. You can’t undo this.")
        back = reverse("accounts:webhook_detail", args=[pk])
        question = Question(_("Delete this webhook?"), text % {"url": webhook.url}, _("Delete webhook"), back)
        return ask_first(request, question)
    webhook.delete()
    messages.success(request, _("The webhook was deleted."))
    return redirect("accounts:integrations")


def _get_webhook(request: AuthenticatedRequest, pk: UUID) -> Webhook:
    return get_object_or_404(Webhook.objects.for_user(request.user), pk=pk)
