from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction

from scenarios.models import Mode, Opener, Scenario, ScenarioVersion

CONTEXT_LIMIT = 50_000


def write_evaluator_context(scenario: Scenario, text: str) -> None:
    """Put the text into a file of its own and point the scenario at it; the old file goes after the commit.

    Raises ValidationError over 50,000 characters. The scenario must be saved before.
    """
    if len(text) > CONTEXT_LIMIT:
        raise ValidationError(
            f"The evaluator context has {len(text):,} characters; at most {CONTEXT_LIMIT:,} are taken."
        )
    if text == scenario.evaluator_context:
        return
    field = scenario.evaluator_context_file
    storage, old_key = field.storage, field.name
    if text:
        field.save("context.txt", ContentFile(text.encode()), save=False)
    else:
        scenario.evaluator_context_file = ""
    Scenario.objects.filter(pk=scenario.pk).update(evaluator_context_file=scenario.evaluator_context_file.name)
    if old_key:
        transaction.on_commit(lambda: storage.delete(old_key), robust=True)


@transaction.atomic
def snapshot(scenario: Scenario, evaluator_context: str) -> ScenarioVersion:
    """The version of a scenario as it stands now: the newest one when nothing changed since, else a new one.

    The context is read before, by whoever asks: the storage may be far away, and here a row is locked.
    """
    # The lock lets two sessions that begin at once share one new version (SQLite's IMMEDIATE does the same).
    scenario = Scenario.objects.select_for_update().get(pk=scenario.pk)
    fields = {name: getattr(scenario, name) for name in ScenarioVersion.SNAPSHOT}
    fields["evaluator_context"] = evaluator_context
    fields["opens"] = scenario.opens or (Opener.CALLER if scenario.mode == Mode.CHAT else Opener.COUNSELOR)
    digest = ScenarioVersion.digest_of(fields)
    newest = scenario.versions.order_by("-number").first()
    if newest and newest.digest == digest:
        return newest
    return ScenarioVersion.objects.create(
        scenario=scenario,
        organization_id=scenario.organization_id,
        number=newest.number + 1 if newest else 1,
        digest=digest,
        **fields,
    )


def promote(scenario: Scenario) -> None:
    """Take a one-time scenario into the library."""
    Scenario.objects.filter(pk=scenario.pk).update(is_one_time=False)
