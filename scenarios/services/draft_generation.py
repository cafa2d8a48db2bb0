"""Generation of drafts by workers. A draft is claimed, written by a model, and stored exactly once."""

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Feature
from accounts.services.leases import fail_when_out_of_time, keep_claimed
from ai import AIUnavailableError
from scenarios.generation import openai_generator
from scenarios.models import ScenarioDraft, Skill

logger = logging.getLogger(__name__)

MAX_SUGGESTED_SKILLS = 5

# Stored in English and translated when shown.
_FAILURE_MESSAGES = {
    "refused": gettext_noop(
        "The model declined to write a draft from this text. Change the text or the instructions, and try again."
    ),
    "cut_off": gettext_noop(
        "The draft got too long and was cut off. Shorten the text or the instructions, and try again."
    ),
    "unusable_answer": gettext_noop("The model’s answer could not be used. Try again. A shorter text often helps."),
}
_UNAVAILABLE_MESSAGE = gettext_noop("The model did not answer. Your text was kept. Try again in a moment.")
_MISCONFIGURED_MESSAGE = gettext_noop(
    "The model rejects requests from this site, so trying again won’t help. Contact your administrator. Your text was "
    "kept."
)

_TURNED_OFF_MESSAGE = gettext_noop(
    "Your center turned off drafting from complaints before this was written. The AI provider did not get the text."
)


def generate_draft(draft_id: UUID) -> None:
    """Have the model write the draft. Store the result exactly once, however often this is called."""
    failed = {"status": ScenarioDraft.Status.FAILED, "failure": _UNAVAILABLE_MESSAGE}
    draft = ScenarioDraft.objects.claim_or_fail(draft_id, settings.TASK_LOST_AFTER, failed)
    if draft is None:
        return
    with (
        fail_when_out_of_time(lambda reason: _settle_failed(draft, reason)),
        keep_claimed(draft, settings.TASK_LOST_AFTER),
    ):
        _generate_claimed(draft)


def _generate_claimed(draft: ScenarioDraft) -> None:
    if not draft.organization.has_feature(Feature.DRAFTS):
        _settle_failed(draft, _TURNED_OFF_MESSAGE)
        return
    skills = {skill.name: skill for skill in Skill.objects.filter(organization_id=draft.organization_id)}
    try:
        generated = openai_generator.generate_draft(
            openai_generator.DraftRequest(
                source=draft.source,
                instructions=draft.instructions,
                mode=draft.mode,
                difficulty=draft.difficulty,
                skills=sorted(skills),
                account_name=draft.account.name if draft.account else "",
                vector_store_id=draft.account.vector_store_id if draft.account else "",
                draft_id=str(draft.pk),
            )
        )
    except AIUnavailableError as error:
        _fail(draft, error)
        return
    with transaction.atomic():
        is_stored = ScenarioDraft.objects.fenced(draft).settle(
            status=ScenarioDraft.Status.READY,
            title=generated.title,
            description=generated.description,
            prompt=generated.prompt,
            evaluator_context=generated.evaluator_context,
            relevant_policy_sections="\n".join(
                _format_section(section) for section in generated.sections if section.is_verified
            ),
            unproven_sections=[_format_section(section) for section in generated.sections if not section.is_verified],
            used_file_search=generated.used_file_search,
            model=generated.model,
            input_tokens=generated.input_tokens,
            output_tokens=generated.output_tokens,
            touched_at=timezone.now(),
        )
        if is_stored:
            draft.skills.set(skills[name] for name in generated.skills[:MAX_SUGGESTED_SKILLS] if name in skills)


def _format_section(section: openai_generator.SuggestedSection) -> str:
    return f"{section.number} {section.title}".strip()


def _fail(draft: ScenarioDraft, error: AIUnavailableError) -> None:
    """Mark the draft as failed at once, because a person is waiting. Keep their text for another attempt."""
    logger.warning("Draft not generated: %s", error.code, extra={"draft_id": draft.pk})
    default_message = _UNAVAILABLE_MESSAGE if error.retryable else _MISCONFIGURED_MESSAGE
    _settle_failed(draft, _FAILURE_MESSAGES.get(error.code, default_message))


def _settle_failed(draft: ScenarioDraft, failure: str) -> None:
    ScenarioDraft.objects.fenced(draft).settle(
        status=ScenarioDraft.Status.FAILED, failure=failure, touched_at=timezone.now()
    )
