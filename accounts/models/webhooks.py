"""Webhooks and their deliveries."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models.leases import LeasedModel, LeaseQuerySet
from accounts.models.organizations import Organization
from accounts.models.people import User


class WebhookEvent(models.TextChoices):
    """Events that a webhook can report."""

    SESSION_COMPLETED = "session.completed", _("Session completed")
    EVALUATION_READY = "evaluation.ready", _("Evaluation ready")
    ASSIGNMENT_COMPLETED = "assignment.completed", _("Assignment completed")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def for_user(self, user: User) -> WebhookQuerySet:
        """Limit to the organization's webhooks. Users who may not view webhooks see none."""
        is_allowed = user.has_perm("accounts.view_webhook")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()


class Webhook(models.Model):
    """A URL that receives events, signed with its secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="webhooks", verbose_name=_("organization")
    )
    url = models.CharField(_("URL"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    secret = models.CharField(_("secret"), max_length=100, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.url


class DeliveryQuerySet(LeaseQuerySet["Delivery"]):
    def for_user(self, user: User) -> DeliveryQuerySet:
        return self.filter(webhook__in=Webhook.objects.for_user(user))

    def of_active_webhooks(self) -> DeliveryQuerySet:
        return self.filter(webhook__is_active=True)


class Delivery(LeasedModel):
    """The delivery of one event to one webhook. It is settled once it is delivered or abandoned."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40, choices=WebhookEvent.choices)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("HTTP status of the last response."))
    failure = models.CharField(max_length=200, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["available_at"], condition=models.Q(delivered_at=None), name="delivery_due"),
            models.Index(fields=["webhook", "-created_at"], name="delivery_in_order"),
        ]

    def __str__(self) -> str:
        return gettext("%(event)s to %(webhook)s") % {"event": self.event, "webhook": self.webhook_id}
