"""Admin pages of the accounts app."""

from accounts.admin import integrations, organizations
from accounts.admin.tenant import ReadOnlyAdminMixin, TenantAdmin, TenantForm, UnchangingAdminMixin

__all__ = [
    "ReadOnlyAdminMixin",
    "TenantAdmin",
    "TenantForm",
    "UnchangingAdminMixin",
    "integrations",
    "organizations",
]
