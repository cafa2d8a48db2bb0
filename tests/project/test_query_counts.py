"""Query counts of all lists, which must be the same for a thousand rows as for a few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.integrations.service_tokens import issue_service_token
from accounts.integrations.webhooks import add_webhook
from accounts.models import Delivery, ServiceToken, User, Webhook
from scenarios.models import ImportJob, ScenarioDraft
from tests.support.bulk_data import add_people, add_practice, add_scenarios, analyze_tables
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from training.models import Assignment, Session

pytestmark = pytest.mark.both_databases

FEW, MANY = 20, 1000

PAGES = [
    "/", "/sessions/", "/sessions/?person=first&scenario=scenario&status=graded&sort=score", "/assignments/",
    "/assignments/?status=overdue", "/feedback/", "/feedback/?state=disputed", "/feedback/?state=unreviewed", "/flags/",
    "/reviews/", "/attention/", "/team/", "/team/?show=need", "/team/?show=new", "/live/", "/training/library/",
    "/assignments/new/", "/assignments/new/?find_counselors=first&find_scenarios=scenario", "/team/?q=first",
    "/progress/", "/accounts/", "/center/people/", "/center/people/?q=first&role=counselor", "/center/cohorts/",
    "/center/integrations/", "/center/", "/search/?q=first",
    "/scenarios/", "/scenarios/?shelf=all&source=written&q=scenario",
    "/scenarios/import/", "/scenarios/drafts/?whose=all",
]  # fmt: skip
LISTS = [
    "/api/sessions/", "/api/assignments/", "/api/evaluations/", "/api/flags/", "/api/disputes/", "/api/team/",
    "/api/attention/", "/api/live/", "/api/people/", "/api/cohorts/", "/api/scenarios/", "/api/scenarios/imports/",
    "/api/scenarios/drafts/", "/api/recordings/", "/api/accounts/", "/api/tokens/", "/api/webhooks/",
]  # fmt: skip
COUNSELOR_PAGES = [
    "/",
    "/sessions/",
    "/progress/",
    "/progress/risk/",
    "/training/library/",
    "/api/sessions/",
    "/api/assignments/",
    "/api/library/",
]


def add_rows(organization, by: User, number: int, begin: int) -> list[User]:
    """Add `number` rows to every list, numbered from `begin`, and return the new people."""
    people, scenarios = add_people(organization, number, begin), add_scenarios(organization, number, begin)
    add_practice(organization, people, scenarios, number, 10, by)
    hook = Webhook.objects.first() or add_webhook(by, "https://example.org/", ["evaluation.ready"])
    Webhook.objects.bulk_create(
        Webhook(organization=organization, url="https://example.org/", events=[], created_by=by) for _ in range(number)
    )
    token, _ = issue_service_token(by, f"System {begin}", ["sessions:read"])
    ServiceToken.objects.bulk_create(
        ServiceToken(
            organization=organization, name=f"{n}", digest=f"{begin}-{n}", acts_as=token.acts_as, created_by=by
        )
        for n in range(number)
    )
    Delivery.objects.bulk_create(
        Delivery(organization=organization, webhook=hook, event="evaluation.ready", payload={}, available_at=None)
        for _ in range(number)
    )
    ImportJob.objects.bulk_create(ImportJob(organization=organization, source="api", sha256="x") for _ in range(number))
    ScenarioDraft.objects.bulk_create(
        ScenarioDraft(organization=organization, source="A complaint.") for _ in range(number)
    )
    Session.objects.bulk_create(
        Session(organization=organization, counselor=person, kind="free_practice", mode="chat") for person in people
    )
    Assignment.objects.bulk_create(
        Assignment(
            organization=organization, counselor=person, scenario=scenario, assigned_by=by, due_date="2020-01-01"
        )
        for person, scenario in zip(people, scenarios, strict=True)
    )
    return people


def count_queries(client, paths: list[str]) -> dict[str, int]:
    counted = {}
    for path in paths:
        with CaptureQueriesContext(connection) as captured:
            response = client.get(path)
        assert response.status_code == 200, path
        counted[path] = len(captured)
    return counted


def test_lists_need_the_same_queries_for_any_number_of_rows(organization, admin, supervisor):
    add_rows(organization, admin, FEW, 0)
    hook = Webhook.objects.exclude(deliveries=None).get()
    paths = [*PAGES, *LISTS, f"/api/webhooks/{hook.pk}/deliveries/"]
    client = client_of(admin)
    count_queries(client, paths)  # fills the caches
    few = count_queries(client, paths)

    add_rows(organization, admin, MANY, FEW)
    analyze_tables()

    assert count_queries(client, paths) == few
    assert max(few.values()) <= 45


def test_counselor_lists_need_the_same_queries_for_any_number_of_rows(organization, admin, counselor):
    scenarios = add_scenarios(organization, 20)
    add_practice(organization, [counselor], scenarios, FEW, 60, admin)
    client = client_of(counselor)
    count_queries(client, COUNSELOR_PAGES)
    few = count_queries(client, COUNSELOR_PAGES)

    Session.objects.bulk_create(
        Session(organization=organization, counselor=counselor, kind="free_practice", mode="chat") for _ in range(MANY)
    )
    analyze_tables()

    assert count_queries(client, COUNSELOR_PAGES) == few
