from accounts.models.access import IdempotentCall, ServiceToken
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
from accounts.models.webhooks import Delivery, Event, Webhook

__all__ = [
    "Account",
    "AccountQuerySet",
    "Cohort",
    "Delivery",
    "Event",
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
