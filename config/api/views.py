"""drf-spectacular's views of the schema, closed to service tokens."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.integrations.scopes import CLOSED


# No docstrings here: the schema would show them as descriptions.
class SchemaView(SpectacularAPIView):
    token_scope = CLOSED


class DocsView(SpectacularSwaggerSplitView):
    token_scope = CLOSED
