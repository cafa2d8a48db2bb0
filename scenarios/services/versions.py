from django.db import transaction

from scenarios.checks import proposed_checks
from scenarios.models import Scenario, ScenarioVersion


@transaction.atomic
def snapshot(scenario: Scenario, evaluator_context: str) -> ScenarioVersion:
    """The version of a scenario as it stands now: the newest one when nothing changed since, else a new one.

    The context is read before, by whoever asks: the storage may be far away, and here a row is locked.
    """
    # The lock lets two sessions that begin at once share one new version (SQLite's IMMEDIATE does the same).
    scenario = Scenario.objects.select_for_update().get(pk=scenario.pk)
    fields = {name: getattr(scenario, name) for name in ScenarioVersion.SNAPSHOT}
    fields["evaluator_context"] = evaluator_context
    fields["checks"] = scenario.checks or proposed_checks(evaluator_context)
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
