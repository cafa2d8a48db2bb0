"""AI models that answer for a center, as the operator of the installation has set them."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _


@dataclass(frozen=True)
class ModelInUse:
    """A model, and what it does for the people of a center."""

    purpose: str
    name: str


def list_models_in_use() -> list[ModelInUse]:
    voice = _("%(model)s, voice “%(voice)s”") % {"model": settings.REALTIME_MODEL, "voice": settings.REALTIME_VOICE}
    return [
        ModelInUse(_("Speaks as the caller"), voice),
        ModelInUse(_("Writes down what counselors say"), settings.TRANSCRIBE_MODEL),
        ModelInUse(_("Writes as the visitor in chats, and each caller’s first words"), settings.CHAT_MODEL),
        ModelInUse(_("Grades conversations"), settings.EVALUATOR_MODEL),
        ModelInUse(_("Looks for flags"), settings.ANALYZER_MODEL),
        ModelInUse(_("Drafts scenarios from complaints"), settings.GENERATOR_MODEL),
        ModelInUse(_("Searches procedures, with embeddings of its own"), _("file search of the AI provider")),
    ]
