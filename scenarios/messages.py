"""User-facing messages from Django-free modules. `scenarios.services.message_translation` translates them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """A translatable message. `str()` is the English text."""

    template: str  # with named placeholders such as %(name)s, marked with `gettext_noop`
    parameters: Mapping[str, object] = field(default_factory=dict)  # values; a value that is a Message is translated

    def __str__(self) -> str:
        return self.template % self.parameters


def gettext_noop(template: str) -> str:
    """Mark a template for `makemessages`, which looks for this function's name, and return it unchanged."""
    return template
