"""List of scenarios: search, filters, and actions on the selected ones."""

import json
import re

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from accounts.models import User
from scenarios.models import ImportJob, ImportRow, Scenario, ScenarioDraft
from tests.support.fixtures import add_scenario, client_of

LIST = "/scenarios/"


def titles(client: Client, query: str = "") -> list[str]:
    html = client.get(LIST + query).content.decode()
    return re.findall(r'class="list-title"[^>]*>([^<]*)<', html)


@pytest.fixture
def client(supervisor: User) -> Client:
    return client_of(supervisor)


@pytest.fixture
def shelf(organization, other_organization, account) -> dict[str, Scenario]:
    """Return scenarios that differ in what the list filters by."""
    category = organization.categories.get(name="Refresher")
    found = {
        "call": add_scenario(organization, "A call", "phone", category=category, account=account, prompt="Ruthann"),
        "chat": add_scenario(organization, "B chat", "chat", difficulty="expert"),
        "one-time": add_scenario(organization, "C once", is_one_time=True),
        "inactive": add_scenario(organization, "D off", is_active=False),
        "theirs": add_scenario(other_organization, "E theirs"),
    }
    job = ImportJob.objects.create(organization=organization, source="page", sha256="x")
    ImportRow.objects.create(
        id=found["chat"].pk, organization=organization, job=job, number=1, line=1, outcome="created"
    )
    ScenarioDraft.objects.create(organization=organization, scenario=found["inactive"], status="saved")
    found["call"].skills.add(organization.skills.get(name="Grief support"))
    return found


def test_list_filters_by_every_chip(client, shelf, organization, account):
    grief = organization.skills.get(name="Grief support").pk
    category = organization.categories.get(name="Refresher").pk

    found = {
        query: titles(client, query)
        for query in (
            "", "?shelf=one-time", "?shelf=inactive", "?shelf=all", "?mode=phone", "?source=imported",
            "?source=complaint", "?source=written", f"?category={category}", "?category=none&mode=chat",
            "?difficulty=expert", f"?account={account.pk}", f"?skill={grief}", "?q=ruthann", "?q=zzz", "?mode=fax",
        )
    }  # fmt: skip

    assert found == {
        "": ["A call", "B chat", "D off"],
        "?shelf=one-time": ["C once"],
        "?shelf=inactive": ["D off"],
        "?shelf=all": ["A call", "B chat", "C once", "D off"],
        "?mode=phone": ["A call"],
        "?source=imported": ["B chat"],
        "?source=complaint": ["D off"],
        "?source=written": ["A call"],
        f"?category={category}": ["A call"],
        "?category=none&mode=chat": ["B chat", "D off"],
        "?difficulty=expert": ["B chat"],
        f"?account={account.pk}": ["A call"],
        f"?skill={grief}": ["A call"],
        "?q=ruthann": ["A call"],
        "?q=zzz": [],
        "?mode=fax": ["A call", "B chat", "D off"],
    }


def test_page_size_is_the_readers_choice(client, organization):
    Scenario.objects.bulk_create(
        Scenario(organization=organization, title=f"{number:03}", prompt="You wait.") for number in range(60)
    )

    assert (len(titles(client)), len(titles(client, "?size=50")), len(titles(client, "?size=7"))) == (25, 50, 25)
    assert titles(client, "?size=50&page=2")[0] == "050"


@pytest.mark.django_db(transaction=True)
async def test_selected_scenarios_are_exported(log_in, supervisor, organization):
    browser = await log_in(supervisor)
    chosen = [await sync_to_async(add_scenario)(organization, title) for title in ("A", "B")]
    await sync_to_async(add_scenario)(organization, "C")

    response = await browser.post(f"{LIST}export/", {"selected": [one.pk for one in chosen], "kind": "json"})

    pack = json.loads(b"".join([block async for block in response.streaming_content]))
    assert [row["title"] for row in pack["scenarios"]] == ["A", "B"]


def test_actions_ignore_scenarios_of_another_organization(client, shelf):
    for action in ("export", "activate", "deactivate", "promote", "demote", "delete", "assign"):
        response = client.post(f"{LIST}{action}/", {"selected": [shelf["theirs"].pk], "confirmed": "yes"})
        assert (response.status_code, response["Location"]) == (302, LIST), action

    shelf["theirs"].refresh_from_db()
    assert shelf["theirs"].is_active


def test_activating_and_deactivating_say_how_many(client, shelf, supervisor):
    chosen = {"selected": [shelf["call"].pk, shelf["inactive"].pk]}

    response = client.post(f"{LIST}deactivate/", chosen, follow=True)
    again = client.post(f"{LIST}activate/", chosen, follow=True)

    assert "1 scenario was made inactive." in response.content.decode()
    assert "2 scenarios were made active." in again.content.decode()
    shelf["call"].refresh_from_db()
    assert shelf["call"].changed_by == supervisor


def test_promotion_needs_reading_and_no_change_in_between(client, shelf):
    chosen = {"selected": [shelf["one-time"].pk]}
    page = client.post(f"{LIST}promote/", chosen).content.decode()
    key = re.search(r'name="read" value="([^"]+)"', page)
    assert key

    unread = client.post(f"{LIST}promote/", chosen | {"promote": "1"}).content.decode()
    assert "Select at least one scenario that you have read." in unread
    Scenario.objects.get(pk=shelf["one-time"].pk).save()
    changed = client.post(f"{LIST}promote/", chosen | {"promote": "1", "read": key[1]}).content.decode()
    assert "A scenario was changed after it was shown here." in changed
    newest = re.search(r'name="read" value="([^"]+)"', changed)
    client.post(f"{LIST}promote/", chosen | {"promote": "1", "read": newest[1]})

    assert "C once" in titles(client)


def test_demotion_names_what_stays(client, chat_assignment, organization):
    unused = add_scenario(organization, "Unused")
    chosen = {"selected": [unused.pk, chat_assignment.scenario_id]}

    html = client.post(f"{LIST}demote/", chosen, follow=True).content.decode()

    assert "1 scenario was removed from the library." in html
    assert f"“{chat_assignment.scenario.title}”" in html
    assert titles(client, "?shelf=one-time") == ["Unused"]


def test_deletion_asks_first_and_refuses_assigned_ones(client, chat_assignment, organization):
    unused = add_scenario(organization, "Unused")

    asked = client.post(f"{LIST}delete/", {"selected": [unused.pk]}).content.decode()
    assert "Delete 1 scenario?" in asked
    assert Scenario.objects.filter(pk=unused.pk).exists()
    both = {"selected": [unused.pk, chat_assignment.scenario_id], "confirmed": "yes"}
    refused = client.post(f"{LIST}delete/", both, follow=True).content.decode()
    assert "Nothing was deleted" in refused
    assert Scenario.objects.count() == 2
    client.post(f"{LIST}delete/", {"selected": [unused.pk], "confirmed": "yes"})

    assert not Scenario.objects.filter(pk=unused.pk).exists()


def test_list_offers_only_what_the_role_may_do(evaluator, trainer, shelf):
    for_evaluator = client_of(evaluator).get(LIST).content.decode()
    for_trainer = client_of(trainer).get(LIST).content.decode()

    assert [words in for_evaluator for words in ("Export as JSON", "New scenario", "Make inactive", "Delete")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert [words in for_trainer for words in ("New scenario", "Make inactive", "/scenarios/delete/")] == [
        True, True, False,
    ]  # fmt: skip
    assert "Draft from a complaint" in for_trainer
    assert "Import scenarios" in for_trainer
