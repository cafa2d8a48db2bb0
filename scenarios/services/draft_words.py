"""Messages about drafts that someone else changed in the meantime, shared by our pages and the admin."""

from django.utils.translation import gettext_lazy as _

NOT_REGENERATED = _("This draft is already being written, or someone else has saved or discarded it in the meantime.")
NOT_RESTORED = _(
    "The earlier draft is no longer available. Someone else has requested a new one, or has saved or discarded it."
)
NOT_DISCARDED = _("Nothing was discarded. Someone else has saved this draft.")
NOT_DELETED = _("Nothing was deleted, because this draft has not been saved.")
