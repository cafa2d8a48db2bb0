"""Headers that tell the service worker what to keep, and for whom."""

from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of


def test_pages_of_counselors_have_a_place_and_an_owner(counselor, chat):
    client = client_of(counselor)

    today, feedback, library = (client.get(path) for path in ("/", f"/sessions/{chat.pk}/", "/training/library/"))

    assert [answer.headers.get("Offline-Slot") for answer in (today, feedback, library)] == ["today", "feedback", None]
    [owner] = {answer.headers["Offline-Owner"] for answer in (today, feedback, library)}
    assert len(owner) == 32
    assert client.session.session_key not in owner
    assert "data-offline hidden" in today.text
    assert "data-offline hidden" not in library.text


def test_each_login_is_another_owner(counselor):
    owners = {client_of(counselor).get("/").headers["Offline-Owner"] for _ in range(2)}

    assert len(owners) == 2


def test_pages_of_staff_and_of_strangers_are_not_kept(client, supervisor, chat):
    for path in ("/", f"/sessions/{chat.pk}/"):
        assert "Offline-Slot" not in client_of(supervisor).get(path).headers

    assert client.get("/account/login/").headers["Offline-Owner"] == "none"
    assert "Offline-Owner" not in client_of(supervisor).get("/api/sessions/").headers


def test_logout_clears_the_storage_of_the_browser(counselor):
    client = client_of(counselor)

    answer = client.post("/account/logout/")

    assert (answer.headers["Clear-Site-Data"], answer.headers["Offline-Owner"]) == ('"storage"', "none")
    assert "Clear-Site-Data" not in client.get("/account/login/").headers


def test_service_worker_is_checked_for_changes_each_time(client):
    answer = client.get("/service-worker.js")

    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/javascript", "no-cache")
    assert '"/account/logout/"' in answer.text
    assert "{%" not in answer.text
