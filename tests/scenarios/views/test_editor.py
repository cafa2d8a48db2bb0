"""Scenario editor: saved as typed, tried as a draft, and published with the validation of the admin form."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account, ProcedureSection, User
from accounts.procedures.uploads import upload_procedures
from scenarios.forms.editor_form import STEPS, is_same, type_scenario
from scenarios.models import Scenario, ScenarioVersion, ScenarioWorkingCopy, Skill
from scenarios.services.draft_cleanup import delete_abandoned_copies
from scenarios.services.evaluator_contexts import write_evaluator_context
from scenarios.services.scenarios import update_scenario
from tests.scenarios.services.test_versions import version_of
from tests.support.fixtures import add_scenario, client_of
from training.models import Session
from training.services.session_start import start_trial

CALLER = {
    "title": "Night shift",
    "description": "Practice opening.\r\nTake your time.",
    "content_notes": "Loneliness",
    "mode": "chat",
    "difficulty": "beginner",
    "estimated_minutes": "10",
    "prompt": "You are Dana.\r\nYou are tired.",
    "opens": "counselor",
    "patience": "brisk",
    "visitor_survey-age": "41",
    "visitor_survey-upset": "4",
}
ASSESSED = {"evaluator_context": "- Names the loneliness.\r\n- Asks directly."}


def page(pk: UUID, step: str = "caller") -> str:
    return f"/scenarios/{pk}/{step}/"


def save(client: Client, pk: UUID, step: str, fields: dict, **more: str):
    copy = ScenarioWorkingCopy.objects.filter(pk=pk).first() or ScenarioWorkingCopy.objects.filter(scenario=pk).first()
    revision = {"revision": str(copy.revision if copy else 0)}
    return client.post(page(pk, step), {**fields, **revision, "is_new": "1", **more})


def autosave(client: Client, pk: UUID, fields: dict, revision: int, step: str = "caller"):
    return client.post(f"{page(pk, step)}autosave/", {**fields, "revision": str(revision), "is_new": "1"})


@pytest.fixture
def client(supervisor: User) -> Client:
    return client_of(supervisor)


@pytest.fixture
def full_scenario(organization, account: Account) -> Scenario:
    """Return a scenario in which every field is filled in, each with an unusual value."""
    scenario = add_scenario(
        organization, "Night shift", "chat", description="c\nd", content_notes="Loneliness", prompt="a\n b ",
        category=organization.categories.last(), difficulty="expert", estimated_minutes=45, opens="counselor",
        patience="patient", visitor_survey={"age": "41", "area": "Harbor", "upset": 4, "suicide": "unsure"},
        account=account, relevant_policy_sections="e\nf", is_active=False,
        checks=[{"text": "Waits.", "weight": 1, "expected": "A pause", "phrases": ["take your time", "I’m here"]}],
    )  # fmt: skip
    scenario.skills.set(organization.skills.all()[:3])
    write_evaluator_context(scenario, "- one\n- two")
    return scenario


def test_new_scenario_is_published_as_the_admin_form_does(client, supervisor, account):
    pk = uuid4()
    save(client, pk, "caller", CALLER)
    save(client, pk, "assessed", ASSESSED | {"skills": [str(Skill.objects.first().pk)]})
    save(client, pk, "procedures", {"account": str(account.pk), "relevant_policy_sections": "3010\r\n2020"})

    response = save(client, pk, "try", {"is_active": "on", "is_one_time": ""}, then="publish")

    assert (response.status_code, response["Location"]) == (302, "/scenarios/")
    scenario = Scenario.objects.get()
    assert (scenario.pk, scenario.created_by, scenario.changed_by) == (pk, supervisor, supervisor)
    assert (scenario.prompt, scenario.description) == (
        "You are Dana.\nYou are tired.",
        "Practice opening.\nTake your time.",
    )
    assert scenario.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert (scenario.account, scenario.relevant_policy_sections) == (account, "3010\n2020")
    assert scenario.visitor_survey == {"age": "41", "upset": 4}
    assert (scenario.checks, scenario.is_one_time, scenario.skills.count()) == ([], False, 1)
    assert ScenarioWorkingCopy.objects.count() == 0
    assert [check["text"] for check in version_of(scenario).checks] == ["Names the loneliness.", "Asks directly."]


def posted_by_browser(html: str) -> dict[str, list[str]]:
    """Return the fields of the editor's form as a browser would send them."""
    form = html[html.index('id="editor"') : html.index("</form>", html.index('id="editor"'))]
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        is_off = re.search(r'type="(checkbox|radio)"', tag) and " checked" not in tag
        if name and not is_off and 'type="file"' not in tag:
            sent.setdefault(name[1], []).append(value[1] if value else "on")
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [text.replace("&quot;", '"').replace("&#x27;", "'").replace("\n", "\r\n")]
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        first = re.search(r'<option(?: value="([^"]*)")?>([^<]*)', options)
        found = chosen or first
        sent[name] = [found[1] if found and found[1] is not None else found[2]]
    return sent


def test_every_field_survives_the_editor_unchanged(client, full_scenario):
    before = type_scenario(full_scenario, "- one\n- two")

    for step in STEPS:
        sent = posted_by_browser(client.get(page(full_scenario.pk, step)).content.decode())
        client.post(page(full_scenario.pk, step), sent)

    kept = [copy.fields for copy in ScenarioWorkingCopy.objects.all()]
    assert [{name: value for name, value in one.items() if value != before.get(name)} for one in kept] == []
    save(client, full_scenario.pk, "try", {"is_active": "on"})
    save(client, full_scenario.pk, "try", {}, then="publish")
    full_scenario.refresh_from_db()
    assert is_same(type_scenario(full_scenario, full_scenario.evaluator_context), before)
    assert ScenarioWorkingCopy.objects.count() == 0


def test_editor_has_every_field_of_the_admin_form(client, supervisor, full_scenario):
    admin = client.get(f"/admin/scenarios/scenario/{full_scenario.pk}/change/").content.decode()
    form = admin[admin.index('id="scenario_form"') :]
    in_admin = set(re.findall(r'<(?:input|select|textarea)[^>]*name="([a-z]\w*)', form)) - {"csrfmiddlewaretoken"}
    in_admin -= {name for name in in_admin if name.startswith("_")}

    ours = {name.split("-")[0] for step in STEPS for name in posted_names(client, full_scenario.pk, step)}

    assert in_admin - ours == set()
    assert {"title", "prompt", "checks", "visitor_survey", "context_file", "skills", "account"} <= in_admin


def posted_names(client: Client, pk: UUID, step: str) -> set[str]:
    html = client.get(page(pk, step)).content.decode()
    return set(re.findall(r'<(?:input|select|textarea)[^>]*name="([^"]+)"', html))


def test_invalid_fields_are_kept_as_typed(client):
    pk = uuid4()
    save(client, pk, "caller", CALLER | {"title": " ", "estimated_minutes": "soon"})

    html = client.get(page(pk)).content.decode()

    assert 'value="soon"' in html
    assert "errorlist" not in html
    assert not Scenario.objects.exists()


def test_publishing_invalid_fields_shows_messages_beside_them(client):
    pk = uuid4()
    save(client, pk, "caller", CALLER | {"title": "", "estimated_minutes": "soon"})

    response = save(client, pk, "try", {"is_active": "on"}, then="publish")
    html = client.get(response["Location"]).content.decode()

    assert response["Location"] == f"{page(pk)}?check=1"
    title = html[html.index('name="title"') :]
    assert title.index("This field is required.") < title.index('name="prompt"')
    assert html.count('class="errorlist"') == 2
    assert "Nothing was published yet." in html
    assert not Scenario.objects.exists()
    assert ScenarioWorkingCopy.objects.get().fields["estimated_minutes"] == ["soon"]


def test_phone_scenario_with_survey_is_refused_beside_the_survey(client):
    pk = uuid4()
    save(client, pk, "caller", CALLER | {"mode": "phone"})
    save(client, pk, "try", {"is_active": "on"}, then="publish")

    html = client.get(f"{page(pk)}?check=1").content.decode()

    assert "Only chat visitors fill in a survey." in html
    assert "chat-only is-shown" in html


def test_mode_of_assigned_scenario_is_locked(client, chat_assignment):
    scenario = chat_assignment.scenario
    html = client.get(page(scenario.pk)).content.decode()
    assert "The mode is locked because this scenario has been assigned." in html

    save(client, scenario.pk, "caller", CALLER | {"mode": "phone", "title": "Renamed", "visitor_survey-age": ""})
    save(client, scenario.pk, "try", {"is_active": "on"}, then="publish")

    scenario.refresh_from_db()
    assert (scenario.title, scenario.mode) == ("Renamed", "chat")


# Checks


def test_checks_follow_the_text_until_they_are_edited(client):
    pk = uuid4()
    save(client, pk, "assessed", ASSESSED)
    proposed = posted_by_browser(client.get(page(pk, "assessed")).content.decode())
    assert proposed["checks-1-text"] == ["Asks directly."]

    save(client, pk, "assessed", proposed | {"evaluator_context": ["- Waits."]})
    assert posted_by_browser(client.get(page(pk, "assessed")).content.decode())["checks-0-text"] == ["Waits."]

    edited = posted_by_browser(client.get(page(pk, "assessed")).content.decode()) | {"checks-0-weight": ["3"]}
    save(client, pk, "assessed", edited)
    save(client, pk, "assessed", edited | {"evaluator_context": ["- Asks."]})
    assert posted_by_browser(client.get(page(pk, "assessed")).content.decode())["checks-0-text"] == ["Waits."]

    save(client, pk, "assessed", edited | {"evaluator_context": ["- Asks."]}, then="propose")
    assert posted_by_browser(client.get(page(pk, "assessed")).content.decode())["checks-0-text"] == ["Asks."]


def test_uploaded_text_becomes_the_evaluator_context(client):
    pk = uuid4()
    file = ContentFile(b"- Thanks the caller.", name="checks.md")

    response = client.post(page(pk, "assessed"), {"context_file": file, "evaluator_context": "", "is_new": "1"})

    assert response.status_code == 302
    assert ScenarioWorkingCopy.objects.get().fields["evaluator_context"] == ["- Thanks the caller."]


def test_refused_file_keeps_what_was_typed(client):
    file = ContentFile(b"%PDF-1.4", name="checks.md")

    response = client.post(page(uuid4(), "assessed"), {"context_file": file, **ASSESSED, "is_new": "1"})

    html = response.content.decode()
    assert response.status_code == 400
    assert "This is a PDF or Word file with a different extension." in html
    assert "- Names the loneliness." in html


# Procedures


def test_section_is_read_and_picked_without_scripts(client, account, supervisor):
    document = upload_procedures(account, ContentFile(b"1010 Answer.", name="p.md"), supervisor)
    section = ProcedureSection.objects.create(
        organization=account.organization, document=document, position=1, number="1010", title="Answer",
        text="Within three rings.", page=4,
    )  # fmt: skip
    Account.objects.filter(pk=account.pk).update(procedures=document)
    pk = uuid4()
    save(client, pk, "procedures", {"account": str(account.pk)})

    html = client.get(f"{page(pk, 'procedures')}?section={section.pk}").content.decode()
    response = save(client, pk, "procedures", {"account": str(account.pk)}, section="1010 Answer (page 4)")
    picked = client.get(response["Location"]).content.decode()

    assert "From page 4" in html
    assert "Within three rings." in html
    assert ScenarioWorkingCopy.objects.get().fields["relevant_policy_sections"] == ["1010 Answer (page 4)"]
    assert 'value="1010 Answer (page 4)" aria-pressed="true"' in picked


# Autosave and conflicts


def test_autosave_answers_with_time_revision_and_advice(client):
    pk = uuid4()

    first = autosave(client, pk, CALLER | {"prompt": "You are Dana.\nYou will be graded."}, 0)
    second = autosave(client, pk, CALLER, 1)

    assert (first.status_code, first.json()["revision"], second.json()["revision"]) == (200, 1, 2)
    assert re.fullmatch(r"Saved \d{1,2}:\d\d [AP]M", first.json()["saved"])
    assert (first.json()["page"], first.json()["trial"]) == (page(pk), str(pk))
    assert "You will be graded." in first.json()["parts"]["advice-prompt"]
    assert "You will be graded." not in second.json()["parts"]["advice-prompt"]


def test_unchanged_scenario_leaves_no_working_copy(client, full_scenario):
    sent = posted_by_browser(client.get(page(full_scenario.pk)).content.decode())

    response = autosave(client, full_scenario.pk, sent, 0)

    assert response.json()["revision"] == 0
    assert not ScenarioWorkingCopy.objects.exists()


def test_save_from_an_older_window_is_refused_and_loses_nothing(client):
    pk = uuid4()
    autosave(client, pk, CALLER, 0)
    autosave(client, pk, CALLER | {"title": "First window"}, 1)

    by_script = autosave(client, pk, CALLER | {"title": "Second window"}, 1)
    by_button = client.post(page(pk), CALLER | {"title": "Second window", "revision": "1"})

    assert by_script.status_code == 409
    assert "You saved this scenario in another window at" in by_script.json()["parts"]["notice"]
    assert by_button.status_code == 409
    html = by_button.content.decode()
    assert 'value="Second window"' in html
    assert 'name="revision" value="2"' in html
    assert ScenarioWorkingCopy.objects.get().title == "First window"
    client.post(page(pk), CALLER | {"title": "Second window", "revision": "2"})
    assert ScenarioWorkingCopy.objects.get().title == "Second window"


def test_publication_by_somebody_else_is_named_and_stops_publishing(client, supervisor, trainer, full_scenario):
    autosave(client, full_scenario.pk, CALLER | {"title": "Mine"}, 0)
    update_scenario(Scenario.objects.get(), {"title": "Theirs"}, by=trainer)

    response = save(client, full_scenario.pk, "try", {"is_active": "on"}, then="publish")
    html = client.get(response["Location"]).content.decode()

    assert f"{trainer} published other changes to this scenario" in html
    assert "These differ: Title" in html
    assert Scenario.objects.get().title == "Theirs"
    assert ScenarioWorkingCopy.objects.get().title == "Mine"
    assert "notice" in autosave(client, full_scenario.pk, CALLER | {"title": "Mine 2"}, 2).json()["parts"]

    client.post(f"/scenarios/{full_scenario.pk}/keep/")
    save(client, full_scenario.pk, "try", {"is_active": "on"}, then="publish")

    published = Scenario.objects.get()
    assert (published.title, published.changed_by) == ("Mine 2", supervisor)


def test_discarding_asks_first_and_leaves_the_scenario(client, full_scenario):
    autosave(client, full_scenario.pk, CALLER | {"title": "Mine"}, 0)
    url = f"/scenarios/{full_scenario.pk}/discard/"

    asked = client.post(url)
    assert ScenarioWorkingCopy.objects.count() == 1
    client.post(url, {"confirmed": "yes"})

    assert "Discard your changes?" in asked.content.decode()
    assert ScenarioWorkingCopy.objects.count() == 0
    assert Scenario.objects.get().title == "Night shift"


def test_working_copy_outlives_its_scenario(client, full_scenario):
    autosave(client, full_scenario.pk, CALLER | {"title": "Mine"}, 0)
    full_scenario.delete()
    copy = ScenarioWorkingCopy.objects.get()

    save(client, copy.pk, "try", {"is_active": "on"}, then="publish")

    assert (Scenario.objects.get().pk, Scenario.objects.get().title) == (copy.pk, "Mine")


def test_abandoned_working_copy_is_deleted(client, settings):
    old, new = uuid4(), uuid4()
    autosave(client, old, CALLER, 0)
    autosave(client, new, CALLER, 0)
    long_ago = timezone.now() - timedelta(seconds=settings.DRAFT_KEPT_FOR + 60)
    ScenarioWorkingCopy.objects.filter(pk=old).update(touched_at=long_ago)

    delete_abandoned_copies()

    assert ScenarioWorkingCopy.objects.get().pk == new


# Trials of working copies


def test_trial_plays_the_working_copy_as_it_stands(client, supervisor, full_scenario):
    autosave(client, full_scenario.pk, CALLER | {"prompt": "You are Noor."}, 0)
    copy = ScenarioWorkingCopy.objects.get()

    session, is_new = start_trial(supervisor, copy, "chat")
    again, is_new_again = start_trial(supervisor, copy, "chat")

    assert (is_new, again, is_new_again) == (True, session, False)
    assert (session.kind, session.scenario, session.trial_source_id) == (Session.Kind.TRIAL, None, copy.pk)
    assert session.scenario_version.prompt == "You are Noor."
    assert [check["text"] for check in session.scenario_version.checks] == ["Waits."]
    assert ScenarioVersion.objects.filter(scenario=full_scenario).count() == 0
    autosave(client, full_scenario.pk, CALLER | {"prompt": "You are Jules."}, 1)
    newest, is_new = start_trial(supervisor, ScenarioWorkingCopy.objects.get(), "chat")
    assert (is_new, newest.scenario_version.prompt) == (True, "You are Jules.")


def test_trial_page_and_api_take_the_working_copy(client):
    pk = uuid4()
    response = save(client, pk, "caller", CALLER | {"estimated_minutes": "soon"}, then="chat")

    html = client.get(response["Location"]).content.decode()
    wanted = {"type": "trial", "scenario_id": str(pk), "mode": "chat"}
    started = client.post("/api/sessions/", wanted, content_type="application/json")

    assert response["Location"] == f"/training/chat/trial/{pk}/"
    assert "Night shift" in html
    assert f"/scenarios/{pk}/try/" in html
    assert started.status_code == 201
    tried = client.get(page(pk, "try")).content.decode()
    assert f"/sessions/{started.json()['id']}/" in tried


def test_trial_without_a_caller_is_refused(client):
    pk = uuid4()
    autosave(client, pk, {"title": "Nobody yet"}, 0)
    wanted = {"type": "trial", "scenario_id": str(pk), "mode": "chat"}

    response = client.post("/api/sessions/", wanted, content_type="application/json")

    assert response.status_code == 409
    assert response.json()["code"] == "not_playable"


# People and tenants


def test_working_copy_is_private_to_its_author(client, admin, stranger, evaluator):
    pk = uuid4()
    autosave(client, pk, CALLER, 0)

    for person in (admin, stranger):
        other = client_of(person)
        assert other.get(page(pk)).status_code == 404
        assert other.post(page(pk), CALLER | {"is_new": "1"}).status_code == 404
        assert autosave(other, pk, CALLER, 1).status_code == 404
        assert other.post(f"/scenarios/{pk}/discard/", {"confirmed": "yes"}).status_code == 404
        assert other.get(f"/training/chat/trial/{pk}/").status_code == 404
        assert "Night shift" not in other.get("/scenarios/").content.decode()
    assert client_of(evaluator).get(page(pk)).status_code == 404
    assert ScenarioWorkingCopy.objects.get().fields["title"] == ["Night shift"]


def test_account_and_category_of_another_organization_are_refused(client, stranger):
    pk = uuid4()
    foreign = Account.objects.create(organization=stranger.organization, name="Other line")
    save(client, pk, "caller", CALLER | {"category": str(stranger.organization.categories.first().pk)})
    save(client, pk, "procedures", {"account": str(foreign.pk)})

    response = save(client, pk, "try", {"is_active": "on"}, then="publish")

    assert response["Location"] == f"{page(pk)}?check=1"
    assert not Scenario.objects.exists()
    assert "Other line" not in client.get(page(pk, "procedures")).content.decode()


def test_evaluator_reads_and_cannot_change(evaluator, full_scenario):
    client = client_of(evaluator)

    html = client.get(page(full_scenario.pk)).content.decode()

    assert "Waits." in html
    assert 'id="editor"' not in html
    assert client.post(page(full_scenario.pk), CALLER).status_code == 403
    assert client.get("/scenarios/new/").status_code == 403
    assert "New scenario" not in client.get("/scenarios/").content.decode()


def test_published_one_time_scenario_leads_to_assigning_it(client):
    pk = uuid4()
    save(client, pk, "caller", CALLER)

    response = save(client, pk, "try", {"is_active": "on", "is_one_time": "True"}, then="publish")

    assert Scenario.objects.get().is_one_time
    assert response["Location"] == f"/assignments/new/?scenarios={pk}"
