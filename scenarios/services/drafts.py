import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, User
from ai import AIUnavailable
from scenarios import openai_generator, tasks
from scenarios.models import Difficulty, Mode, Scenario, ScenarioDraft, ScenarioDraftQuerySet, Skill
from scenarios.personal import Found, Kind, find_personal
from scenarios.services.library import create_scenario
from scenarios.services.sources import check_source, storable

logger = logging.getLogger(__name__)

LONGEST_INSTRUCTIONS = 1_000  # characters
MOST_SKILLS_SUGGESTED = 5
CHECKED = ("title", "description", "prompt", "evaluator_context", "relevant_policy_sections")

_FAILURES = {
    "refused": "The model refused to write from this text. Change the text or the instructions and try again.",
    "cut_off": "The draft became too long and was cut off. Shorten the text or the instructions and try again.",
    "unusable_answer": "The model's answer could not be used. Try again; a shorter text often helps.",
}
_UNAVAILABLE = "The model did not answer. What you typed is kept: try again in a moment."
_SET_UP_WRONGLY = (
    "The model refuses requests from this site, and another try will not help. Tell whoever runs the site; "
    "what you typed is kept."
)

# What a draft holds of words, and what is left of them when it is closed.
_NO_SOURCE: dict[str, Any] = {"source": "", "instructions": ""}
_UNWRITTEN: dict[str, Any] = {
    "title": "",
    "description": "",
    "prompt": "",
    "evaluator_context": "",
    "relevant_policy_sections": "",
    "unproven_sections": [],
}
_EMPTY: dict[str, Any] = _NO_SOURCE | _UNWRITTEN | {"failure": ""}

T = TypeVar("T")


class PersonalLeft(Exception):
    """The draft still holds something of a real person. `found` says where."""

    def __init__(self, found: list[Found]) -> None:
        super().__init__("Something of a real person is left in this draft.")
        self.found = found


class DraftClosed(Exception):
    """Saved or discarded meanwhile."""


def begin_draft(
    by: User,
    source: str,
    instructions: str = "",
    account: Account | None = None,
    mode: str = Mode.PHONE,
    difficulty: str = Difficulty.INTERMEDIATE,
) -> ScenarioDraft:
    """Have a scenario drafted from a checked source. Raises ValidationError."""
    if account and account.organization_id != by.organization_id:
        raise ValidationError({"account": "This account belongs to another organization."})
    with transaction.atomic():
        draft = ScenarioDraft.objects.create(
            organization_id=by.organization_id,
            created_by=by,
            source=check_source(source),
            instructions=_check_instructions(instructions),
            account=account,
            mode=mode,
            difficulty=difficulty,
        )
        _queue(draft)
    return draft


def draft_again(draft: ScenarioDraft, instructions: str, source: str | None = None) -> bool:
    """Another try, which takes the place of what was written before; the source stays unless another one is given.

    When it fails, `restore_draft` brings back what was there. False while it is being written or when it is closed.
    Raises ValidationError.
    """
    given = {} if source is None else {"source": check_source(source)}
    if given.get("source", draft.source) != draft.source:
        # What was written from one complaint cannot be checked against another.
        given |= _UNWRITTEN
    again = ScenarioDraft.objects.filter(
        pk=draft.pk, status__in=[ScenarioDraft.Status.READY, ScenarioDraft.Status.FAILED]
    )
    with transaction.atomic():
        begun = again.update(
            status=ScenarioDraft.Status.WRITING,
            instructions=_check_instructions(instructions),
            failure="",
            attempts=0,
            touched_at=timezone.now(),
            **given,
        )
        if begun:
            _queue(draft)
    return bool(begun)


def restore_draft(draft: ScenarioDraft) -> bool:
    """Back to the draft that stood there before the try that failed. False where none did, or none failed."""
    failed = ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.FAILED).exclude(prompt="")
    return bool(failed.update(status=ScenarioDraft.Status.READY, failure="", touched_at=timezone.now()))


def _check_instructions(text: str) -> str:
    text = storable(text)
    if len(text) > LONGEST_INSTRUCTIONS:
        raise ValidationError(
            {"instructions": f"These have {len(text):,} characters; at most {LONGEST_INSTRUCTIONS:,} are taken."}
        )
    return text


def _queue(draft: ScenarioDraft) -> None:
    # Robust: a broker that is away loses nothing, the sweep finds the draft.
    transaction.on_commit(lambda: tasks.write_draft.delay(str(draft.pk)), robust=True)


def write_draft(draft_id: UUID) -> None:
    """Ask the model and fill the draft, once however often this is called."""
    if not _claim(draft_id):
        return
    draft = ScenarioDraft.objects.select_related("account").get(pk=draft_id)
    skills = {skill.name: skill for skill in Skill.objects.filter(organization_id=draft.organization_id)}
    try:
        written = openai_generator.write_draft(
            openai_generator.Wanted(
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
    except AIUnavailable as error:
        _fail(draft, error)
        return
    with transaction.atomic():
        filled = _mine(draft).update(
            status=ScenarioDraft.Status.READY,
            title=written.title,
            description=written.description,
            prompt=written.prompt,
            evaluator_context=written.evaluator_context,
            relevant_policy_sections="\n".join(_named(one) for one in written.sections if one.is_proven),
            unproven_sections=[_named(one) for one in written.sections if not one.is_proven],
            used_file_search=written.used_file_search,
            model=written.model,
            input_tokens=written.input_tokens,
            output_tokens=written.output_tokens,
            touched_at=timezone.now(),
        )
        if filled:
            draft.skills.set(skills[name] for name in written.skills[:MOST_SKILLS_SUGGESTED] if name in skills)


def _named(section: openai_generator.SuggestedSection) -> str:
    return f"{section.number} {section.title}".strip()


def _claim(draft_id: UUID) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = ScenarioDraft.objects.filter(pk=draft_id, status=ScenarioDraft.Status.WRITING)
    rows.filter(attempts__gte=settings.TASK_ATTEMPTS, touched_at__lt=_lost_before()).update(
        status=ScenarioDraft.Status.FAILED, failure=_UNAVAILABLE
    )
    claimable = rows.filter(Q(attempts=0) | Q(touched_at__lt=_lost_before()))
    return bool(claimable.update(attempts=F("attempts") + 1, touched_at=timezone.now()))


def _mine(draft: ScenarioDraft) -> ScenarioDraftQuerySet:
    """The row as long as this claim of it stands."""
    return ScenarioDraft.objects.filter(
        pk=draft.pk, status=ScenarioDraft.Status.WRITING, attempts=draft.attempts, touched_at=draft.touched_at
    )


def _fail(draft: ScenarioDraft, error: AIUnavailable) -> None:
    """Said at once: somebody waits before the page, and their text is kept for another try."""
    logger.warning("No draft: %s", error.code, extra={"draft_id": draft.pk})
    otherwise = _UNAVAILABLE if error.retryable else _SET_UP_WRONGLY
    _mine(draft).update(
        status=ScenarioDraft.Status.FAILED,
        failure=_FAILURES.get(error.code, otherwise),
        touched_at=timezone.now(),
    )


def personal_in(draft: ScenarioDraft, fields: Mapping[str, str]) -> list[Found]:
    """What of the people in the source, or in the instructions, stands in these fields, by place."""
    texts = {name: fields.get(name, "") for name in CHECKED}
    found = find_personal(draft.source, texts)
    # Each by itself: words of the one must not explain away a name in the other.
    more = find_personal(draft.instructions, texts)
    found += [one for one in more if not any(_covers(other, one) for other in found)]
    found.sort(key=lambda one: (CHECKED.index(one.field), one.start))
    # The line's own number is no person's: counselors must know which account is called.
    ours = _digits(draft.account.number) if draft.account else ""
    return [one for one in found if not (ours and one.kind == Kind.NUMBER and _digits(one.text) == ours)]


def _covers(one: Found, other: Found) -> bool:
    is_around = one.field == other.field and one.start <= other.start and other.end <= one.end
    return is_around and one.kind.is_certain >= other.kind.is_certain


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def dismissal(found: Found) -> str:
    """What a person ticks to say that these words, in this field, are not about a real person."""
    return f"{found.field}:{found.kind}:{found.text}"


def personal_left(draft: ScenarioDraft, fields: Mapping[str, str], dismissed: Collection[str] = ()) -> list[Found]:
    """What has to go before the draft can be saved. Only what may be a false alarm can be dismissed."""
    found = personal_in(draft, fields)
    return [one for one in found if one.kind.is_certain or dismissal(one) not in dismissed]


def save_draft(
    draft: ScenarioDraft,
    by: User,
    fields: Mapping[str, Any],
    evaluator_context: str,
    skills: Sequence[Skill] = (),
    dismissed: Collection[str] = (),
    within: Callable[[Scenario], T] | None = None,
) -> tuple[Scenario, T | None]:
    """Make the edited draft a scenario, for the library or for one counselor, once.

    Raises PersonalLeft, ValidationError with the fields that are wrong, and DraftClosed; the draft is kept then.
    """
    if by.organization_id != draft.organization_id:
        raise ValueError("A draft is saved within its organization.")
    texts = {name: str(fields.get(name, "")) for name in CHECKED} | {"evaluator_context": evaluator_context}
    if found := personal_left(draft, texts, dismissed):
        raise PersonalLeft(found)

    def close(scenario: Scenario) -> T | None:
        ready = ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.READY)
        if not ready.update(status=ScenarioDraft.Status.SAVED, scenario=scenario, **_cleared(draft)):
            raise DraftClosed
        return within(scenario) if within else None

    return create_scenario(draft.organization, by, fields, evaluator_context, skills, close)


def discard_draft(draft: ScenarioDraft) -> bool:
    """Give a draft up; its texts go. False when it was saved meanwhile."""
    open_ones = ScenarioDraft.objects.filter(pk=draft.pk).exclude(status=ScenarioDraft.Status.SAVED)
    return bool(open_ones.update(status=ScenarioDraft.Status.DISCARDED, **_EMPTY))


def _cleared(draft: ScenarioDraft) -> dict[str, Any]:
    """The scenario has the texts now. The complaint goes, too, unless the organization keeps complaints."""
    kept = set(_NO_SOURCE) if draft.organization.keeps_sources else set()
    return {name: empty for name, empty in _EMPTY.items() if name not in kept}


def delete_source(draft: ScenarioDraft) -> bool:
    """Delete the complaint that was kept with a saved draft, and its instructions. False while it is not saved."""
    return bool(ScenarioDraft.objects.filter(pk=draft.pk, status=ScenarioDraft.Status.SAVED).update(**_NO_SOURCE))


def sweep_drafts() -> int:
    """Queue again the drafts whose task was lost, discard what nobody came back to. Return how many were queued.

    Complaints that were kept go where the organization does not keep them any more.
    """
    forgotten = timezone.now() - timedelta(seconds=settings.DRAFT_KEPT_FOR)
    ScenarioDraft.objects.forgotten(forgotten).update(status=ScenarioDraft.Status.DISCARDED, **_EMPTY)
    saved = ScenarioDraft.objects.filter(status=ScenarioDraft.Status.SAVED, organization__keeps_sources=False)
    saved.exclude(**_NO_SOURCE).update(**_NO_SOURCE)
    lost = list(ScenarioDraft.objects.lost(_lost_before()).values_list("pk", flat=True))
    for draft_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        tasks.write_draft.apply_async((str(draft_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)
