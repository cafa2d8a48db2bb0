"""Free practice and practice by chat when a center has turned them off: services, API, and pages."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Feature, Organization
from accounts.services.features import FeatureOffError
from config.context_processors import features
from config.navigation import navigation_for
from scenarios.models import Mode, Scenario
from tests.support.fixtures import client_of, write_turns
from training.models import Assignment, EndReason, Session
from training.services.assignments import assign, assign_many
from training.services.one_time_scenarios import create_one_time
from training.services.session_start import (
    start_assignment,
    start_free_practice,
    start_trial,
    start_warm_up,
)
from training.services.sessions import end_session

SESSIONS, LIBRARY = "/api/sessions/", "/api/library/"
FREE_CALL = {"type": "free_practice", "mode": "phone"}
FREE_CHAT = {"type": "free_practice", "mode": "chat"}


def turn_off(organization: Organization, *features: Feature) -> None:
    """Turn features off for the fixtures' people, who share this organization, and in the database."""
    organization.features = {feature.key: False for feature in features}
    organization.save(update_fields=["features"])


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


def refusal(response) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, body["code"], body["feature"]


# Free practice


@pytest.mark.parametrize("mode", Mode)
def test_no_free_practice_starts(mode, counselor, supervisor, organization):
    turn_off(organization, Feature.FREE_PRACTICE)

    for person in (counselor, supervisor):
        with pytest.raises(FeatureOffError, match="Your center has turned off “Free practice.”"):
            start_free_practice(person, mode)
    assert not Session.objects.exists()


def test_assignments_trials_and_warm_ups_start_without_free_practice(
    counselor, supervisor, organization, phone_assignment, chat_scenario
):
    turn_off(organization, Feature.FREE_PRACTICE)

    assert start_warm_up(counselor)[1]
    Session.objects.all().delete()
    assert start_assignment(phone_assignment)[1]
    assert start_trial(supervisor, chat_scenario, Mode.CHAT)[1]


def test_api_refuses_free_practice_with_a_code(counselor, organization, chat_scenario):
    turn_off(organization, Feature.FREE_PRACTICE)
    client = client_of(counselor)
    of_scenario = FREE_CHAT | {"scenario_id": str(chat_scenario.pk)}

    answers = [post(client, SESSIONS, body) for body in (FREE_CALL, FREE_CHAT, of_scenario)]
    answers += [client.get(LIBRARY), client.get(f"{LIBRARY}{chat_scenario.pk}/")]

    assert [refusal(answer) for answer in answers] == [(403, "feature_off", "free_practice")] * 5
    assert not Session.objects.exists()


def test_pages_of_free_practice_say_that_it_is_off(counselor, supervisor, organization, chat_scenario):
    turn_off(organization, Feature.FREE_PRACTICE)
    paths = ["/training/voice/free/", "/training/chat/free/", "/training/library/"]
    paths.append(f"/training/chat/free/?scenario={chat_scenario.pk}")

    for person in (counselor, supervisor):
        for path in paths:
            response = client_of(person).get(path)
            assert response.status_code == 403, path
            assert "Your center has turned off “Free practice.”" in response.content.decode()
    begun = client_of(counselor).post("/training/chat/begin/", {"scenario": chat_scenario.pk})
    assert (begun.status_code, Session.objects.count()) == (404, 0)
    assert client_of(counselor).post("/training/chat/begin/", {"focus": "Grief"}).status_code == 403


def test_no_page_links_to_free_practice(counselor, supervisor, organization, chat_scenario):
    links = ("/training/voice/free/", "/training/chat/free/", "/training/library/")
    paths = ["/", "/sessions/", "/progress/", f"/search/?q={chat_scenario.title.split()[0]}", "/not-a-page/"]

    def linked() -> set[str]:
        pages = [client_of(person).get(path).content.decode() for person in (counselor, supervisor) for path in paths]
        return {link for link in links if any(link in page for page in pages)}

    before = linked()
    turn_off(organization, Feature.FREE_PRACTICE)

    assert before == {*links}
    assert linked() == set()
    assert "Practice" not in [item.label for item in navigation_for(counselor, "")]


def test_live_free_practice_can_be_finished(counselor, organization, chat_scenario):
    session, _is_new = start_free_practice(counselor, Mode.CHAT, chat_scenario)
    client = client_of(counselor)
    turn_off(organization, Feature.FREE_PRACTICE, Feature.CHAT)

    for path in ("/training/chat/free/", f"/training/chat/free/?scenario={chat_scenario.pk}"):
        response = client.get(path)
        assert (response.status_code, str(session.pk) in response.content.decode()) == (200, True)
    assert client.get("/training/voice/free/").status_code == 403
    assert (
        f"/training/chat/free/?scenario={chat_scenario.pk}" in client.get(f"/sessions/{session.pk}/").content.decode()
    )
    write_turns(session, "hi", "Hello, my name is Sam.")
    end_session(session, EndReason.HUNG_UP)
    assert "/training/chat/free/" not in client.get(f"/sessions/{session.pk}/").content.decode()


# Practice by chat


def test_no_free_chat_starts_but_calls_do(counselor, organization):
    turn_off(organization, Feature.CHAT)

    with pytest.raises(FeatureOffError, match="Practice by chat"):
        start_free_practice(counselor, Mode.CHAT)
    assert start_free_practice(counselor, Mode.PHONE)[1]
    assert refusal(post(client_of(counselor), SESSIONS, FREE_CHAT)) == (403, "feature_off", "chat")
    assert client_of(counselor).get("/training/chat/free/").status_code == 403
    assert client_of(counselor).get("/training/voice/free/").status_code == 200


def test_assigned_chat_can_be_taken_after_chats_were_turned_off(counselor, organization, chat_assignment):
    turn_off(organization, Feature.CHAT)

    session, is_new = start_assignment(chat_assignment)

    assert (is_new, session.mode) == (True, "chat")
    assert client_of(counselor).get(f"/training/chat/{chat_assignment.pk}/").status_code == 200


def test_chats_cannot_be_assigned(organization, supervisor, counselor, chat_scenario, phone_scenario):
    turn_off(organization, Feature.CHAT)
    fields = {"title": "New", "prompt": "You are calm.", "mode": "chat"}

    for attempt in (
        lambda: assign(chat_scenario, counselor, supervisor),
        lambda: assign_many([phone_scenario, chat_scenario], [counselor], supervisor),
        lambda: create_one_time(supervisor, fields, "", [], [counselor]),
    ):
        with pytest.raises(FeatureOffError):
            attempt()
    assert not Assignment.objects.exists()
    assert not Scenario.objects.filter(title="New").exists()
    assert assign(phone_scenario, counselor, supervisor)


def test_api_refuses_to_assign_chats(organization, supervisor, counselor, chat_scenario):
    turn_off(organization, Feature.CHAT)
    client, people = client_of(supervisor), {"counselors": [str(counselor.pk)]}
    scenario = {"title": "New", "prompt": "You are calm.", "mode": "chat"}

    answers = [
        post(client, "/api/assignments/", {"counselor": str(counselor.pk), "scenario": str(chat_scenario.pk)}),
        post(client, "/api/assignments/bulk/", people | {"scenarios": [str(chat_scenario.pk)]}),
        post(client, "/api/assignments/one-time/", people | {"scenario": scenario}),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "feature_off", "chat")] * 3
    assert not Assignment.objects.exists()


def test_pages_offer_and_take_no_chats(organization, supervisor, counselor, chat_scenario, phone_scenario):
    turn_off(organization, Feature.CHAT)
    client = client_of(supervisor)

    page = client.get("/assignments/new/").content.decode()
    refused = client.post("/assignments/new/", {"counselors": [counselor.pk], "scenarios": [chat_scenario.pk]})

    assert (phone_scenario.title in page, chat_scenario.title in page) == (True, False)
    assert "Your center has turned off “Practice by chat.”" in refused.content.decode()
    add = {"counselor": counselor.pk, "scenario": chat_scenario.pk, "notes": ""}
    assert "Practice by chat" in client.post("/admin/training/assignment/add/", add).content.decode()
    assert not Assignment.objects.exists()


def test_library_and_today_show_no_chats(organization, counselor, chat_scenario, phone_scenario):
    turn_off(organization, Feature.CHAT)
    client = client_of(counselor)

    page, today = client.get("/training/library/").content.decode(), client.get("/").content.decode()

    assert (phone_scenario.title in page, chat_scenario.title in page) == (True, False)
    assert "/training/chat/free/" not in page + today
    assert [row["title"] for row in client.get(LIBRARY).json()["results"]] == [phone_scenario.title]


# All features


def test_other_centers_keep_their_features(organization, stranger):
    turn_off(organization, *Feature)

    assert start_free_practice(stranger, Mode.CHAT)[1]


def test_visitors_see_features_by_default(rf):
    request = rf.get("/")
    request.user = AnonymousUser()

    assert dict(features(request)["features"]) == {feature.key: feature.is_on_by_default for feature in Feature}
