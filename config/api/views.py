"""drf-spectacular's views of the schema, which anybody may read."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.integrations.scopes import OPEN
from accounts.web.response_policies import CONTENT_POLICY, build_content_policy


class FormatNegotiation(DefaultContentNegotiation):
    """Content negotiation by `?format=`, which only the schema has, and otherwise by the `Accept` header."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        formats = [renderer.format for renderer in renderers]
        wanted = request.query_params.get("format")
        if wanted is not None and wanted not in formats:
            raise ValidationError({"format": _choose_from(dict.fromkeys(formats))})
        return super().select_renderer(request, renderers, wanted or format_suffix)


class JSONErrorsMixin(APIView):
    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if getattr(final, "exception", False):
            final.accepted_renderer, final.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return final


# No docstrings here: the schema would show them as descriptions.
class SchemaView(JSONErrorsMixin, SpectacularAPIView):
    token_scope = OPEN
    query_parameters = frozenset({"format", "lang"})
    content_negotiation_class = FormatNegotiation

    @extend_schema(
        responses={
            (200, "application/vnd.oai.openapi"): str,
            (200, "application/vnd.oai.openapi+json"): dict[str, Any],
        }
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        language = request.query_params.get("lang", get_language() or settings.LANGUAGE_CODE)
        known = dict(settings.LANGUAGES)
        if language not in known:
            raise ValidationError({"lang": _choose_from(known)})
        renderer: Any = request.accepted_renderer
        kind: Any = type(renderer)
        return HttpResponse(_render_schema(kind, language), content_type=renderer.media_type)


@cache
def _render_schema(renderer: Any, language: str) -> bytes:
    """Render the schema once per process: it takes seconds of CPU, and anybody may ask for it."""
    with override(language):
        schema = SchemaGenerator().get_schema(request=None, public=True)
        rendered: bytes = renderer().render(schema, renderer_context={})
        return rendered


def _choose_from(names: dict[str, Any]) -> str:
    return _("Enter one of these: %(choices)s.") % {"choices": ", ".join(names)}


class DocsView(JSONErrorsMixin, SpectacularSwaggerSplitView):
    token_scope = OPEN
    query_parameters = frozenset({"lang", "script"})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        final[CONTENT_POLICY] = build_content_policy(img_src="data:")  # the icons in Swagger UI's stylesheet
        return final
