"""OpenAPI description of service tokens, imported when the app is ready."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ServiceTokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.integrations.service_tokens.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        words = "The token of an outside system. Its scopes say what it may."
        return {"type": "http", "scheme": "bearer", "description": words}
