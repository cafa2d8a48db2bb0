import csv
import io
import json
import re
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scenarios.models import Category, Scenario, Skill
from scenarios.packs.columns import COLUMNS
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.scenarios.services.test_evaluator_contexts import use_storage
from tests.support.fixtures import CONTEXT_CANARY, add_scenario, client_of
from training.services.assignments import assign

LIST = "/admin/scenarios/scenario/"


@pytest.fixture
def varied_scenarios(organization, other_organization, account):
    """Return a few scenarios that each differ from the plain one in a single attribute."""
    advanced = Category.objects.get(organization=organization, name="Advanced")
    plain = {
        "mode": "phone",
        "difficulty": "expert",
        "category": advanced,
        "prompt": "You are Dana.",
        "is_active": True,
    }
    scenarios = {
        "plain": add_scenario(organization, "plain", **plain),
        "chat": add_scenario(organization, "chat", **plain | {"mode": "chat"}),
        "easy": add_scenario(organization, "easy", **plain | {"difficulty": "beginner"}),
        "uncategorized": add_scenario(organization, "uncategorized", **plain | {"category": None}),
        "ours": add_scenario(organization, "ours", **plain, account=account),
        "retired": add_scenario(organization, "retired", **plain | {"is_active": False}),
        "skilled": add_scenario(organization, "skilled", **plain),
        "wordy": add_scenario(organization, "wordy", **plain | {"prompt": "You are Quillon."}),
        "described": add_scenario(organization, "described", **plain, description="About Quillon."),
        "one-time": add_scenario(organization, "one-time", **plain, is_one_time=True),
    }
    scenarios["skilled"].skills.add(Skill.objects.get(organization=organization, name="Risk assessment"))
    add_scenario(other_organization, "another's", "chat", difficulty="beginner")
    return scenarios


LIBRARY = {"plain", "chat", "easy", "uncategorized", "ours", "retired", "skilled", "wordy", "described"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, LIBRARY),
        ({"shelf": "one-time"}, {"one-time"}),
        ({"shelf": "all"}, LIBRARY | {"one-time"}),
        ({"mode__exact": "chat"}, {"chat"}),
        ({"category__isnull": "True"}, {"uncategorized"}),
        ({"category": "advanced"}, LIBRARY - {"uncategorized"}),
        ({"difficulty__exact": "beginner"}, {"easy"}),
        ({"account": "ours"}, {"ours"}),
        ({"account__isnull": "True"}, LIBRARY - {"ours"}),
        ({"is_active__exact": "0"}, {"retired"}),
        ({"skills": "risk assessment"}, {"skilled"}),
        ({"skills__isnull": "True"}, LIBRARY - {"skilled"}),
        ({"q": "quillon"}, {"wordy", "described"}),
        ({"q": "easy"}, {"easy"}),
        ({"shelf": "all", "q": "one-time"}, {"one-time"}),
    ],
)
def test_list_applies_filters(supervisor, varied_scenarios, account, filters, expected):
    ids = {
        "advanced": ("category__id__exact", varied_scenarios["plain"].category_id),
        "ours": ("account__id__exact", account.pk),
        "risk assessment": ("skills__id__exact", Skill.objects.get(scenarios=varied_scenarios["skilled"]).pk),
    }
    query = urlencode([ids.get(value, (name, value)) for name, value in filters.items()])

    changelist = client_of(supervisor).get(f"{LIST}?{query}").context["cl"]

    assert {scenario.title for scenario in changelist.result_list} == expected


def test_filters_offer_used_values_and_none(supervisor, varied_scenarios):
    filters = client_of(supervisor).get(LIST).context["cl"].filter_specs

    offered = {spec.title: [choice["display"] for choice in spec.choices(ChangelistStub())] for spec in filters}
    assert offered["library"] == ["Library", "One-time", "Both"]
    assert offered["category"] == ["All", "Advanced", "None"]
    assert offered["account"] == ["All", "Harbor State Line (717)", "Whole organization"]
    assert offered["skills"] == ["All", "Risk assessment", "None"]


class ChangelistStub:
    add_facets = False

    def get_query_string(self, new_params=None, remove=None):
        return ""


def test_filters_offer_nothing_to_stranger(stranger, varied_scenarios):
    response = client_of(stranger).get(LIST)

    assert [scenario.title for scenario in response.context["cl"].result_list] == ["another's"]
    assert "Harbor State Line" not in response.content.decode()


def add_many(organization, count: int, **fields: object) -> None:
    category = organization.categories.first()
    rows = [
        Scenario(organization=organization, title=f"Number {n}", prompt="You are Dana.", category=category, **fields)
        for n in range(count)
    ]
    Scenario.objects.bulk_create(rows, batch_size=1000)


def test_list_query_count_is_constant(supervisor, organization, account):
    client = client_of(supervisor)
    add_many(organization, 10, account=account)
    paths = [LIST, f"{LIST}?q=Number", f"{LIST}?category__isnull=True", f"{LIST}?shelf=all&o=2&_facets=True"]

    def count_queries() -> list[int]:
        counts = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            counts.append(len(queries))
        return counts

    few = count_queries()
    add_many(organization, 9_990, account=account)

    assert count_queries() == few
    assert few[0] <= 14


def run_action(person, action: str, *scenarios: Scenario, shelf: str = "all", **fields: object):
    selected = [str(scenario.pk) for scenario in scenarios]
    data = {"action": action, "_selected_action": selected} | fields
    return client_of(person).post(f"{LIST}?shelf={shelf}", data, follow=True)


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_scenarios_are_made_inactive_and_active(supervisor, organization):
    first, second = (add_scenario(organization, title) for title in ("First", "Second"))

    retiring = messages_of(run_action(supervisor, "make_inactive", first, second))
    returning = messages_of(run_action(supervisor, "make_active", first, second, shelf=""))

    assert (retiring, returning) == (["2 scenarios were made inactive."], ["2 scenarios were made active."])
    run_action(supervisor, "make_inactive", first)
    assert dict(Scenario.objects.values_list("title", "is_active")) == {"First": False, "Second": True}


@pytest.fixture
def one_time(organization) -> Scenario:
    scenario = add_scenario(
        organization,
        "Made for one",
        is_one_time=True,
        description="What happened last week.",
        prompt="You are Noor.",
        relevant_policy_sections="2020",
    )
    write_evaluator_context(scenario, "- Waits.")
    return scenario


def checkbox_values(response) -> list[str]:
    return re.findall('name="read" value="([^"]+)"', response.content.decode())


def test_promote_shows_full_text_and_asks_for_confirmation(supervisor, one_time):
    response = run_action(supervisor, "promote_to_library", one_time)

    body = response.content.decode()
    for text in ("Made for one", "What happened last week.", "You are Noor.", "- Waits.", "2020"):
        assert text in body
    assert body.count("I have read it, and it contains no personal details") == 1
    one_time.refresh_from_db()
    assert one_time.is_one_time is True


def test_promote_adds_only_selected_scenarios(supervisor, organization, one_time):
    other = add_scenario(organization, "Not read", is_one_time=True)
    page = run_action(supervisor, "promote_to_library", one_time, other)
    read = [value for value in checkbox_values(page) if value.startswith(str(one_time.pk))]

    response = run_action(supervisor, "promote_to_library", one_time, other, promote="yes", read=read)

    assert messages_of(response) == ["1 scenario was promoted to the library."]
    assert dict(Scenario.objects.values_list("title", "is_one_time")) == {"Made for one": False, "Not read": True}
    assert LogEntry.objects.get().object_repr == "Made for one"


def test_promote_without_selection_is_rejected(supervisor, one_time):
    response = run_action(supervisor, "promote_to_library", one_time, promote="yes")

    one_time.refresh_from_db()
    assert "Select at least one scenario that you have read." in response.content.decode()
    assert one_time.is_one_time is True


def test_promote_rejects_scenario_changed_since_shown(supervisor, one_time):
    read = checkbox_values(run_action(supervisor, "promote_to_library", one_time))
    one_time.prompt = "You are Noor Haddad of Elm Street 4."
    one_time.save()

    response = run_action(supervisor, "promote_to_library", one_time, promote="yes", read=read)

    one_time.refresh_from_db()
    assert "was changed after it was shown" in response.content.decode()
    assert one_time.is_one_time is True


def test_promote_skips_scenario_with_unavailable_context(supervisor, one_time, settings):
    use_storage(settings, "tests.scenarios.admin.test_evaluator_contexts.UnavailableStorage", reads=False)

    response = run_action(supervisor, "promote_to_library", one_time)

    assert "can’t be read right now" in response.content.decode()
    assert checkbox_values(response) == []


def test_promote_is_limited_to_twenty(supervisor, organization):
    many = [add_scenario(organization, f"Number {number}", is_one_time=True) for number in range(21)]

    assert messages_of(run_action(supervisor, "promote_to_library", *many)) == [
        "Nothing was promoted. Select at most 20 scenarios, because you need to read each one."
    ]
    assert len(checkbox_values(run_action(supervisor, "promote_to_library", *many[:20]))) == 20


def test_promote_ignores_library_scenario(supervisor, chat_scenario):
    assert messages_of(run_action(supervisor, "promote_to_library", chat_scenario)) == [
        "Nothing was promoted. None of the selected scenarios is one-time."
    ]


def test_stranger_cannot_promote(stranger, one_time):
    run_action(stranger, "promote_to_library", one_time, promote="yes", read=[f"{one_time.pk} now"])

    one_time.refresh_from_db()
    assert one_time.is_one_time is True


def test_unused_scenario_is_removed_from_library(supervisor, organization, chat_scenario, counselor):
    unused = add_scenario(organization, "Unused")
    assign(chat_scenario, counselor, supervisor)

    response = run_action(supervisor, "take_out_of_library", unused, chat_scenario)

    assert messages_of(response) == [
        "1 scenario was removed from the library.",
        "“Writing from the train” stays in the library because counselors have been assigned it or have practiced "
        "with it. To stop offering it, make it inactive.",
    ]
    assert set(Scenario.objects.one_time()) == {unused}
    assert [entry.object_repr for entry in LogEntry.objects.all()] == ["Unused"]


def test_removal_query_count_is_constant(supervisor, organization):
    def queries_for(count: int) -> int:
        chosen = [add_scenario(organization, f"Number {number}") for number in range(count)]
        with CaptureQueriesContext(connection) as queries:
            response = run_action(supervisor, "take_out_of_library", *chosen)
        assert messages_of(response) == [
            f"{count} scenario{'s were' if count > 1 else ' was'} removed from the library."
        ]
        return len(queries)

    few = queries_for(2)  # may include one for the content type, which is then cached

    assert queries_for(100) <= few
    assert (Scenario.objects.library().exists(), LogEntry.objects.count()) == (False, 102)


def test_delete_selected_refuses_assigned_scenario(supervisor, chat_assignment, chat_scenario, organization):
    unused = add_scenario(organization, "Unused")

    rejected_page = run_action(supervisor, "delete_selected", chat_scenario, unused, post="yes").content.decode()
    run_action(supervisor, "delete_selected", unused, post="yes")

    assert "Writing from the train</a> (1 assignment)<" in rejected_page
    assert "“Make inactive.”" in rejected_page
    assert "Unused</a> (" not in rejected_page
    assert list(Scenario.objects.all()) == [chat_scenario]


def test_delete_selected_exceeds_form_field_limit(supervisor, organization):
    add_many(organization, 1_200)
    add_scenario(organization, "Kept", "chat")
    first = Scenario.objects.first()
    path, client = f"{LIST}?mode__exact=phone", client_of(supervisor)

    page = client.post(
        path, {"action": "delete_selected", "select_across": "1", "_selected_action": [str(first.pk)], "index": "0"}
    )
    body = page.content.decode()
    fields = re.findall('<input type="hidden" name="([^"]+)" value="([^"]+)"', body)
    client.post(path, dict(fields))

    assert "Delete 1200 scenarios and their text?" in body
    assert [scenario.title for scenario in Scenario.objects.all()] == ["Kept"]


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("evaluator", {"export_as_json", "export_as_csv"}),
        (
            "trainer",
            {"make_active", "make_inactive", "promote_to_library", "take_out_of_library"}
            | {"export_as_json", "export_as_csv"},
        ),
    ],
)
def test_actions_depend_on_role(request, role, offered, chat_scenario):
    response = client_of(request.getfixturevalue(role)).get(LIST)

    actions = re.search('<select name="action".*?</select>', response.content.decode(), re.DOTALL)[0]
    assert set(re.findall('value="([a-z_]+)"', actions)) == offered
    assert ("/training/chat/trial/" in response.content.decode()) == (role == "trainer")


async def download(client, query: str = "", **fields: object) -> tuple[str, bytes]:
    response = await client.post(f"{LIST}{query}", {"_selected_action": ["x"], "select_across": "1"} | fields)
    assert response.status_code == 200
    body = b"".join([block async for block in response.streaming_content])
    return response["Content-Disposition"], body


@pytest.mark.django_db(transaction=True)
async def test_selection_is_exported_as_json_and_csv(evaluator, chat_scenario, phone_scenario, stranger, log_in):
    client = await log_in(evaluator)
    chosen = {"_selected_action": [str(chat_scenario.pk)], "select_across": "0"}

    disposition, as_json = await download(client, action="export_as_json", **chosen)
    _, as_csv = await download(client, action="export_as_csv", **chosen)

    (row,) = json.loads(as_json)["scenarios"]
    assert re.fullmatch(r'attachment; filename="scenarios-\d{4}-\d\d-\d\d\.json"', disposition)
    assert (row["title"], row["account"]) == ("Writing from the train", "717")
    assert CONTEXT_CANARY in row["evaluator_context"]
    header, cells = csv.reader(io.StringIO(as_csv.decode("utf-8-sig"), newline=""))
    assert header == list(COLUMNS)
    assert cells[header.index("prompt")] == row["prompt"]


@pytest.mark.django_db(transaction=True)
async def test_ten_thousand_scenarios_are_exported(evaluator, organization, log_in, write_many):
    client = await log_in(evaluator)
    await write_many(10_000)

    _, body = await download(client, "?mode__exact=chat", action="export_as_json")

    titles = [row["title"] for row in json.loads(body)["scenarios"]]
    assert set(titles) == {f"Number {number}" for number in range(10_000)}
    assert len(titles) == 10_000


@pytest.fixture
def write_many(organization, transactional_db):
    async def write(count: int) -> None:
        await sync_to_async(add_many)(organization, count, mode="chat")
        await sync_to_async(add_scenario)(organization, "A call", "phone")

    return write


def test_failed_export_returns_no_partial_file(evaluator, chat_scenario, settings):
    use_storage(settings, "tests.scenarios.admin.test_evaluator_contexts.UnavailableStorage", reads=False)

    response = run_action(evaluator, "export_as_json", chat_scenario)

    assert messages_of(response) == [
        "The scenarios can’t be read right now, so no file was created. Try again in a moment."
    ]
