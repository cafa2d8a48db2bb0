from accounts.admin import integrations, organizations
from accounts.admin.scoped import ScopedAdmin, ScopedForm

__all__ = ["ScopedAdmin", "ScopedForm", "integrations", "organizations"]
