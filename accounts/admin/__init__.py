"""Admin pages of the accounts app."""

from accounts.admin import integrations, organizations
from accounts.admin.tenant import TenantAdmin, TenantForm

__all__ = ["TenantAdmin", "TenantForm", "integrations", "organizations"]
