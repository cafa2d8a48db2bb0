"""Export of scenarios as pack rows."""

from collections.abc import Iterator
from itertools import islice

from accounts.models import Organization
from scenarios.models import Scenario, ScenarioQuerySet
from scenarios.packs.columns import PackValue
from scenarios.services.evaluator_contexts import read_evaluator_contexts
from scenarios.services.import_matching import AccountLookup

_BATCH_SIZE = 200  # scenarios


def export_rows(organization: Organization, scenarios: ScenarioQuerySet) -> Iterator[dict[str, PackValue]]:
    """Yield scenarios as complete pack rows that an import reads back. At most 200 are in memory at a time."""
    accounts = AccountLookup(organization.accounts.all())
    rows = scenarios.filter(organization=organization).select_related("category", "account")
    found = rows.prefetch_related("skills").iterator(chunk_size=_BATCH_SIZE)
    while batch := list(islice(found, _BATCH_SIZE)):
        contexts = read_evaluator_contexts(batch)
        for scenario in batch:
            yield _as_row(scenario, contexts[scenario.pk], accounts)


def _as_row(scenario: Scenario, evaluator_context: str, accounts: AccountLookup) -> dict[str, PackValue]:
    return {
        "title": scenario.title,
        "prompt": scenario.prompt,
        "description": scenario.description,
        "content_notes": scenario.content_notes,
        "evaluator_context": evaluator_context,
        "mode": scenario.mode,
        "category": scenario.category.name if scenario.category else "",
        "difficulty": scenario.difficulty,
        "estimated_minutes": scenario.estimated_minutes,
        "skills": [skill.name for skill in scenario.skills.all()],
        "account": accounts.shortest_name(scenario.account) if scenario.account else "",
        "opens": scenario.opens,
        "patience": scenario.patience,
        "relevant_policy_sections": scenario.relevant_policy_sections,
        "is_one_time": scenario.is_one_time,
        "is_active": scenario.is_active,
    }
