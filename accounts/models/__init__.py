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

__all__ = [
    "Account",
    "AccountQuerySet",
    "Cohort",
    "Organization",
    "ProcedureDocument",
    "ProcedureDocumentQuerySet",
    "ProcedurePage",
    "ProcedureSection",
    "User",
    "UserQuerySet",
    "procedure_key",
]
