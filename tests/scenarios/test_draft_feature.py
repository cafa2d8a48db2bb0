"""Drafting from complaints when a center has turned it off: services, worker, API, and pages."""

import pytest

from accounts.models import Feature, Organization
from accounts.services.features import FeatureOffError
from scenarios.models import ScenarioDraft
from scenarios.services.draft_generation import generate_draft
from scenarios.services.drafts import regenerate_draft, request_draft, save_draft
from tests.support.fixtures import client_of

SOURCE = "The caller was put on hold for eleven minutes and hung up angrily after that. She asked for a call back."
DRAFTS, ADMIN = "/api/scenarios/drafts/", "/admin/scenarios/scenariodraft/"


@pytest.fixture
def draft(supervisor) -> ScenarioDraft:
    return request_draft(supervisor, SOURCE)


@pytest.fixture
def ready_draft(draft) -> ScenarioDraft:
    draft.status, draft.title, draft.prompt = "ready", "On hold", "You are calm."
    draft.save()
    return draft


def turn_off(organization: Organization) -> None:
    organization.features = {Feature.DRAFTS.key: False}
    organization.save(update_fields=["features"])


def test_no_draft_is_requested(supervisor, organization, ready_draft):
    turn_off(organization)

    with pytest.raises(FeatureOffError, match="Drafting scenarios from complaints"):
        request_draft(supervisor, SOURCE)
    with pytest.raises(FeatureOffError):
        regenerate_draft(ready_draft, supervisor, "Angrier.")
    ready_draft.refresh_from_db()
    assert (ScenarioDraft.objects.count(), ready_draft.status, ready_draft.instructions) == (1, "ready", "")


def test_worker_sends_nothing_after_drafts_were_turned_off(draft, organization, standin):
    turn_off(organization)

    generate_draft(draft.pk)

    draft.refresh_from_db()
    assert (draft.status, draft.source) == ("failed", SOURCE)
    assert "turned off drafting from complaints" in draft.failure_text
    assert standin.logged_requests("http", "/v1/responses") == []


def test_api_refuses_drafts_with_a_code(supervisor, organization, ready_draft):
    turn_off(organization)
    client = client_of(supervisor)

    answers = [
        client.post(DRAFTS, {"source": SOURCE}, content_type="application/json"),
        client.post(f"{DRAFTS}{ready_draft.pk}/again/", {}, content_type="application/json"),
    ]

    assert [(one.status_code, one.json()["code"], one.json()["feature"]) for one in answers] == [
        (403, "feature_off", "drafts")
    ] * 2
    assert ScenarioDraft.objects.count() == 1


def test_pages_offer_no_drafts(supervisor, organization, ready_draft):
    client = client_of(supervisor)
    change = f"{ADMIN}{ready_draft.pk}/change/"

    def offers() -> tuple[bool, ...]:
        pages = [client.get(path).content.decode() for path in ("/admin/", ADMIN)]
        can_repeat = 'name="again"' in client.get(change).content.decode()
        return *(f"{ADMIN}add/" in page for page in pages), can_repeat, *own_offers()

    def own_offers() -> tuple[bool, ...]:
        texts = ["Draft from a complaint", "Write draft", "Replace this draft"]
        pages = ["/scenarios/", "/scenarios/drafts/", f"/scenarios/drafts/{ready_draft.pk}/"]
        return tuple(text in client.get(page).content.decode() for text, page in zip(texts, pages, strict=True))

    before = offers()
    turn_off(organization)

    assert (before, offers()) == ((True,) * 6, (False,) * 6)
    page = client.post("/scenarios/drafts/", {"source": SOURCE, "mode": "phone", "difficulty": "beginner"})
    assert "Your center has turned off" in page.content.decode()
    assert client.post(change, {"again": "", "instructions": "Angrier."}).status_code == 200
    for response in (client.get(f"{ADMIN}add/"), client.post(f"{ADMIN}add/", {"source": SOURCE})):
        assert response.status_code == 403
        assert "Your center has turned off “Drafting scenarios from complaints.”" in response.content.decode()
    assert ScenarioDraft.objects.get().status == "ready"


def test_written_draft_can_still_be_saved(supervisor, organization, ready_draft):
    turn_off(organization)

    scenario, _nothing = save_draft(
        ready_draft, supervisor, {"title": "On hold", "prompt": "You are calm.", "mode": "phone"}, ""
    )

    assert scenario.title == "On hold"


def test_trainers_today_shows_open_drafts_only_while_there_are_some(trainer, organization, ready_draft):
    turn_off(organization)
    client = client_of(trainer)

    before = "Open drafts" in client.get("/").content.decode()
    ScenarioDraft.objects.update(status="discarded")

    assert (before, "Open drafts" in client.get("/").content.decode()) == (True, False)
