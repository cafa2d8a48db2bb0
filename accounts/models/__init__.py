from accounts.models.accounts import (
    Account,
    AccountQuerySet,
    ProcedureDocument,
    ProcedureDocumentQuerySet,
    ProcedurePage,
    ProcedureSection,
    procedure_key,
)
from accounts.models.organizations import Organization
from accounts.models.people import Cohort, User, UserQuerySet
from accounts.models.service_tokens import IdempotentCall, ServiceToken
from accounts.models.webhooks import Delivery, Webhook, WebhookEvent

__all__ = [
    "Account",
    "AccountQuerySet",
    "Cohort",
    "Delivery",
    "WebhookEvent",
    "IdempotentCall",
    "Organization",
    "ProcedureDocument",
    "ProcedureDocumentQuerySet",
    "ProcedurePage",
    "ProcedureSection",
    "ServiceToken",
    "User",
    "UserQuerySet",
    "Webhook",
    "procedure_key",
]
