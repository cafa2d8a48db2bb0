"""Translation of messages from packages that do not import Django."""

from django.utils.translation import gettext

from scenarios.messages import Message


def translate(message: Message) -> str:
    """Return the text in the active language."""
    parameters = {
        name: translate(value) if isinstance(value, Message) else value for name, value in message.parameters.items()
    }
    return gettext(message.template) % parameters
