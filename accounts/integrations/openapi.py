"""OpenAPI description of service tokens, imported when the app is ready."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ServiceTokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.integrations.service_tokens.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "Token of an external system. Its scopes determine what it can access."
        return {"type": "http", "scheme": "bearer", "description": description}
