from accounts.models.accounts import (
    Account,
    AccountQuerySet,
    ProcedureDocument,
    ProcedureDocumentQuerySet,
    ProcedurePage,
    ProcedureSection,
    procedure_key,
)
from accounts.models.features import Feature
from accounts.models.installation import Installation, ReapCandidate
from accounts.models.invitations import Invitation, InvitationQuerySet
from accounts.models.leases import LeasedModel, LeaseQuerySet
from accounts.models.login_attempts import LoginAttempt
from accounts.models.organizations import Organization
from accounts.models.people import Cohort, User, UserQuerySet
from accounts.models.rate_limits import UsageCount
from accounts.models.scheduled_runs import ScheduledRun
from accounts.models.service_tokens import IdempotentCall, ServiceToken
from accounts.models.webhooks import Delivery, Webhook, WebhookEvent

__all__ = [
    "Account",
    "AccountQuerySet",
    "Cohort",
    "Delivery",
    "Feature",
    "WebhookEvent",
    "IdempotentCall",
    "Installation",
    "LeaseQuerySet",
    "Invitation",
    "InvitationQuerySet",
    "LeasedModel",
    "LoginAttempt",
    "Organization",
    "ScheduledRun",
    "ProcedureDocument",
    "ProcedureDocumentQuerySet",
    "ProcedurePage",
    "ProcedureSection",
    "ReapCandidate",
    "ServiceToken",
    "UsageCount",
    "User",
    "UserQuerySet",
    "Webhook",
    "procedure_key",
]
