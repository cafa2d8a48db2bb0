"""Immutable snapshots of scenarios."""

from django.db import transaction

from scenarios.models import Scenario, ScenarioVersion
from scenarios.models.scenario_checks import plan_checks


@transaction.atomic
def snapshot_scenario(scenario: Scenario, evaluator_context: str) -> ScenarioVersion:
    """Return the newest version if nothing has changed since, else create and return a new one.

    The caller reads the evaluator context beforehand: the storage may be slow, and a row is locked here.
    """
    # With the lock, two sessions that start at the same time share one new version. On SQLite, IMMEDIATE does the same.
    scenario = Scenario.objects.select_for_update().get(pk=scenario.pk)
    fields = {name: getattr(scenario, name) for name in ScenarioVersion.SNAPSHOT_FIELDS}
    fields["evaluator_context"] = evaluator_context
    fields["checks"] = plan_checks(scenario.checks, evaluator_context).checks
    digest = ScenarioVersion.compute_digest(fields)
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
