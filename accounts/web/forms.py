"""Form behavior shared by pages and the administration."""

from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext


class PlainLabelsRenderer(DjangoTemplates):
    """Form renderer that removes the colon that Django adds to labels, including those of library forms."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if "use_tag" in context:  # a label or legend
            context = {**context, "label": _without_colon(context["label"])}
        return super().render(template_name, context, request)


def _without_colon(label: str) -> str:
    # Django translates the colon, for languages that put a space before it.
    plain = str(label).removesuffix(gettext(":"))
    return mark_safe(plain) if isinstance(label, SafeString) else plain  # noqa: S308  (the label was safe before)
