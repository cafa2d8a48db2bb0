"""Cleanup of closed and abandoned drafts, whose texts come from a complaint, and of abandoned working copies."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.services.ownership import may_delete
from scenarios.models import ScenarioDraft, ScenarioWorkingCopy

ClearedFields = dict[str, str | list[str]]

# Text fields of a draft and the empty values to which a closed draft is reset.
CLEARED_SOURCE: ClearedFields = {"source": "", "unread": [], "instructions": ""}
CLEARED_TEXTS: ClearedFields = {
    "title": "",
    "description": "",
    "prompt": "",
    "evaluator_context": "",
    "relevant_policy_sections": "",
    "unproven_sections": [],
}
CLEARED_DRAFT: ClearedFields = CLEARED_SOURCE | CLEARED_TEXTS | {"failure": ""}


def discard_abandoned_drafts() -> None:
    """Discard abandoned drafts, and clear complaints of organizations that no longer keep them with saved drafts."""
    before = timezone.now() - timedelta(seconds=settings.DRAFT_KEPT_FOR)
    abandoned = ScenarioDraft.objects.abandoned(before)
    saved = ScenarioDraft.objects.filter(status=ScenarioDraft.Status.SAVED, organization__keeps_sources=False)
    kept_sources = saved.exclude(**CLEARED_SOURCE)
    if (abandoned.exists() or kept_sources.exists()) and may_delete("abandoned drafts"):
        abandoned.update(status=ScenarioDraft.Status.DISCARDED, **CLEARED_DRAFT)
        kept_sources.update(**CLEARED_SOURCE)


def delete_abandoned_copies() -> None:
    """Delete working copies that their authors have not touched for as long as drafts are kept."""
    abandoned = ScenarioWorkingCopy.objects.abandoned(timezone.now() - timedelta(seconds=settings.DRAFT_KEPT_FOR))
    if abandoned.exists() and may_delete("abandoned working copies"):
        abandoned.delete()
