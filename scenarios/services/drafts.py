"""Life cycle of drafts: requesting, checking for PII, saving, and discarding. `draft_generation` writes them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, Feature, User
from accounts.procedures.unread_parts import UnreadPart
from accounts.services.features import require_feature
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from scenarios import tasks
from scenarios.models import Difficulty, Mode, Scenario, ScenarioDraft, Skill
from scenarios.pii import PIIKind, PIIMatch, find_leaked_pii
from scenarios.services.draft_cleanup import CLEARED_DRAFT, CLEARED_SOURCE, CLEARED_TEXTS, ClearedFields
from scenarios.services.draft_sources import clean_draft_source, strip_unstorable
from scenarios.services.scenarios import create_scenario

MAX_INSTRUCTIONS_LENGTH = 1_000  # characters
PII_CHECKED_FIELDS = ("title", "description", "prompt", "evaluator_context", "relevant_policy_sections")

T = TypeVar("T")


class UnresolvedPIIError(Exception):
    """An attempt to save a draft that still contains details of a real person. `found` lists the matches."""

    def __init__(self, found: list[PIIMatch]) -> None:
        super().__init__(_("This draft still contains details of a real person."))
        self.found = found


class DraftClosedError(Exception):
    """An attempt to save a draft that has been saved or discarded in the meantime."""


def request_draft(
    by: User,
    source: str,
    instructions: str = "",
    account: Account | None = None,
    mode: str = Mode.PHONE,
    difficulty: str = Difficulty.INTERMEDIATE,
    unread: Sequence[UnreadPart] = (),
) -> ScenarioDraft:
    """Create a draft from a complaint and queue its generation. Raise ValidationError if the input is invalid.

    `unread` names the parts of the complaint's file that were not read.

    Raise FeatureOffError if the organization has turned drafts off, and RateLimitExceededError above the rate limit.
    Both save nothing.
    """
    require_feature(by.organization, Feature.DRAFTS)
    if account and account.organization_id != by.organization_id:
        raise ValidationError({"account": _("This account belongs to another organization.")})
    with transaction.atomic():
        spend(UsageKind.DRAFTS, by)
        draft = ScenarioDraft.objects.create(
            organization_id=by.organization_id,
            created_by=by,
            source=clean_draft_source(source),
            unread=list(unread),
            instructions=_check_instructions(instructions),
            account=account,
            mode=mode,
            difficulty=difficulty,
        )
        _queue_generation(draft)
    return draft


def regenerate_draft(draft: ScenarioDraft, by: User, instructions: str, source: str | None = None) -> bool:
    """Queue another generation of the draft, from `source` if given. Raise ValidationError if the input is invalid.

    If the attempt fails, `restore_draft` brings back the earlier texts. Return False while the draft is being written
    or after it is closed. Raise FeatureOffError and RateLimitExceededError as `request_draft` does.
    """
    require_feature(by.organization, Feature.DRAFTS)
    changed_fields: ClearedFields = {} if source is None else {"source": clean_draft_source(source)}
    if changed_fields.get("source", draft.source) != draft.source:
        # Texts drafted from one complaint cannot be checked against another.
        changed_fields |= CLEARED_TEXTS | {"unread": []}
    regenerable = ScenarioDraft.objects.filter(
        pk=draft.pk, status__in=[ScenarioDraft.Status.READY, ScenarioDraft.Status.FAILED]
    )
    with transaction.atomic():
        is_queued = regenerable.requeue(
            status=ScenarioDraft.Status.WRITING,
            instructions=_check_instructions(instructions),
            failure="",
            touched_at=timezone.now(),
            **changed_fields,
        )
        if is_queued:
            spend(UsageKind.DRAFTS, by)
            _queue_generation(draft)
    return bool(is_queued)


def restore_draft(draft: ScenarioDraft) -> bool:
    """Restore the texts that preceded a failed attempt.

    Return False if there are none or the last attempt did not fail.
    """
    failed = ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.FAILED).exclude(prompt="")
    return bool(failed.update(status=ScenarioDraft.Status.READY, failure="", touched_at=timezone.now()))


def _check_instructions(text: str) -> str:
    text = strip_unstorable(text)
    if len(text) > MAX_INSTRUCTIONS_LENGTH:
        problem = _("The instructions have %(count)s characters. The limit is %(most)s.")
        raise ValidationError(
            {"instructions": problem % {"count": f"{len(text):,}", "most": f"{MAX_INSTRUCTIONS_LENGTH:,}"}}
        )
    return text


def _queue_generation(draft: ScenarioDraft) -> None:
    # Robust: if the broker is down, the sweep finds the draft and queues it again.
    queue_on_commit(tasks.write_draft, str(draft.pk))


def find_draft_pii(draft: ScenarioDraft, fields: Mapping[str, str]) -> list[PIIMatch]:
    """Return details of real people, from the source or the instructions, that these fields still contain, in order."""
    texts = {name: fields.get(name, "") for name in PII_CHECKED_FIELDS}
    found = find_leaked_pii(draft.source, texts)
    # Search source and instructions separately, so that ordinary words of one do not hide a name in the other.
    from_instructions = find_leaked_pii(draft.instructions, texts)
    found += [match for match in from_instructions if not any(_covers(earlier, match) for earlier in found)]
    found.sort(key=lambda match: (PII_CHECKED_FIELDS.index(match.field), match.start))
    # Exclude the account's number: it is not personal, and counselors need to know which account the caller dialed.
    account_number = _extract_digits(draft.account.number) if draft.account else ""
    return [
        match
        for match in found
        if not (account_number and match.kind == PIIKind.NUMBER and _extract_digits(match.text) == account_number)
    ]


def _covers(one: PIIMatch, other: PIIMatch) -> bool:
    is_inside = one.field == other.field and one.start <= other.start and other.end <= one.end
    return is_inside and one.kind.is_certain >= other.kind.is_certain


def _extract_digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def dismissal(found: PIIMatch) -> str:
    """Return the form value that dismisses these words in this field as not about a real person."""
    return f"{found.field}:{found.kind}:{found.text}"


def find_unresolved_pii(
    draft: ScenarioDraft, fields: Mapping[str, str], dismissed: Collection[str] = ()
) -> list[PIIMatch]:
    """Return the matches that prevent saving. Only matches that may be false alarms can be dismissed."""
    found = find_draft_pii(draft, fields)
    return [match for match in found if match.kind.is_certain or dismissal(match) not in dismissed]


def save_draft(
    draft: ScenarioDraft,
    by: User,
    fields: Mapping[str, Any],
    evaluator_context: str,
    skills: Sequence[Skill] = (),
    dismissed: Collection[str] = (),
    within: Callable[[Scenario], T] | None = None,
) -> tuple[Scenario, T | None]:
    """Create a scenario from the edited draft exactly once, for the library or for one counselor.

    Raise UnresolvedPIIError, DraftClosedError, or ValidationError with the invalid fields; the draft is then kept.
    `within` runs in the same transaction.
    """
    if by.organization_id != draft.organization_id:
        raise ValueError("A draft can be saved only in its own organization.")
    texts = {name: str(fields.get(name, "")) for name in PII_CHECKED_FIELDS} | {"evaluator_context": evaluator_context}
    if found := find_unresolved_pii(draft, texts, dismissed):
        raise UnresolvedPIIError(found)

    def close(scenario: Scenario) -> T | None:
        ready = ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.READY)
        if not ready.update(status=ScenarioDraft.Status.SAVED, scenario=scenario, **_fields_to_clear(draft)):
            raise DraftClosedError
        return within(scenario) if within else None

    return create_scenario(draft.organization, by, fields, evaluator_context, skills, close)


def discard_draft(draft: ScenarioDraft) -> bool:
    """Discard a draft and clear its texts. Return False if it has been saved."""
    unsaved = ScenarioDraft.objects.filter(pk=draft.pk).exclude(status=ScenarioDraft.Status.SAVED)
    return bool(unsaved.settle(status=ScenarioDraft.Status.DISCARDED, **CLEARED_DRAFT))


def _fields_to_clear(draft: ScenarioDraft) -> ClearedFields:
    """Return the fields to clear after saving: the texts now belong to the scenario.

    The complaint is cleared, too, unless the organization keeps complaints.
    """
    kept = set(CLEARED_SOURCE) if draft.organization.keeps_sources else set()
    return {name: empty for name, empty in CLEARED_DRAFT.items() if name not in kept}


def delete_draft_source(draft: ScenarioDraft) -> bool:
    """Delete the complaint and instructions kept with a saved draft. Return False if the draft is not saved."""
    return bool(ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.SAVED).update(**CLEARED_SOURCE))
