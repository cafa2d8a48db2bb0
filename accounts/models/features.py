"""Features that each center can turn on and off."""

from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Feature(Enum):
    """A feature of the center's settings: key, title, explanation, and default.

    A new one needs an entry here, and `accounts.services.features.require_feature` in the service that starts it.
    Templates ask `{% if features.<key> %}`.
    """

    FREE_PRACTICE = (
        "free_practice",
        _("Free practice"),
        _("Everyone may practice any scenario of the library without an assignment, as often as they like."),
        True,
    )
    CHAT = (
        "chat",
        _("Practice by chat"),
        _(
            "Without it, chats can’t be assigned or practiced freely. Chats that are already assigned can be finished, "
            "and authors can still try a scenario by typing."
        ),
        True,
    )
    DRAFTS = (
        "drafts",
        _("Drafting scenarios from complaints"),
        _(
            "The AI provider gets the text of the complaint and writes a scenario from it. Without it, drafts that are "
            "already written can still be saved."
        ),
        True,
    )

    def __init__(self, key: str, title: str | Promise, explanation: str | Promise, is_on_by_default: bool) -> None:
        self.key = key
        self.title = title
        self.explanation = explanation
        self.is_on_by_default = is_on_by_default
