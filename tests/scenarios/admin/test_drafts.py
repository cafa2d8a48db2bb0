import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Account, Organization, User
from accounts.procedures.unread_parts import explain_unread_parts
from scenarios.forms.draft_pii import group_findings
from scenarios.models import Category, Scenario, ScenarioDraft, Skill
from scenarios.services.drafts import discard_draft, request_draft, save_draft
from tests.accounts.test_pdf_text import pages_pdf
from tests.support.fixtures import add_person, client_of
from training.models import Assignment

DRAFTS = "/admin/scenarios/scenariodraft/"
SOURCE = """Margaret Hollis, born March 12, 1957, works at Brightwater Dairy. quokkasource
She was put on hold for eleven minutes. Her number is 555-014-2778."""
PAGE = b"BT /F1 12 Tf 72 700 Td (I was put on hold for eleven minutes, and nobody was there.) Tj ET"
PAGE_TEXT = "I was put on hold for eleven minutes, and nobody was there."
DRAFT_TEXTS = {
    "title": "Eleven minutes",
    "description": "Somebody calls again.",
    "prompt": "You are Noor.\nYou are tired.",
    "evaluator_context": "- Says sorry.\n- Asks directly.",
    "relevant_policy_sections": "2020 Hold",
}
DRAFT_OPTIONS = {"mode": "phone", "difficulty": "intermediate", "estimated_minutes": "15", "purpose": "library"}
FORM_DATA = {name: text.replace("\n", "\r\n") for name, text in DRAFT_TEXTS.items()} | DRAFT_OPTIONS


def page(draft: ScenarioDraft, name: str = "change") -> str:
    return f"{DRAFTS}{draft.pk}/{name}/"


def fail_draft_writes(execute, sql, *args):
    """Raise OperationalError for every write to the drafts table; run all other queries."""
    if sql.startswith(("INSERT", "UPDATE")) and "scenarios_scenariodraft" in sql:
        raise OperationalError("The disk is full.")
    return execute(sql, *args)


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def page_text(response) -> str:
    """Return the visible text of the page as one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def error_note(response) -> str:
    found = re.search(r'class="errornote">(.*?)</(?:div|p)>', response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", found[1]).split()) if found else ""


def form_values(response) -> dict[str, str]:
    """Return the contents of the form's text fields, as a browser would send them again."""
    form = response.context["form"]
    return {name: str(form[name].value() or "") for name in DRAFT_TEXTS}


@pytest.fixture
def ready_draft(supervisor, account) -> ScenarioDraft:
    draft = request_draft(supervisor, SOURCE, "Angrier.", account, "phone")
    ScenarioDraft.objects.update(status="ready", unproven_sections=["9010 Pets"], used_file_search=True, **DRAFT_TEXTS)
    draft.refresh_from_db()
    draft.skills.set(Skill.objects.filter(organization=supervisor.organization)[:3])
    return draft


@pytest.fixture
def client(supervisor):
    return client_of(supervisor)


# ---- New drafts


def test_new_page_explains_use_of_source(client, organization):
    first = page_text(client.get(f"{DRAFTS}add/"))
    Organization.objects.update(keeps_sources=True)
    second = page_text(client.get(f"{DRAFTS}add/"))

    for body in (first, second):
        assert "It is sent as a quotation to the model that writes the draft" in body
        assert (
            "names, numbers, addresses, dates of birth, and employers from this text and from your instructions" in body
        )
        assert "within 14 days, the draft and this text are deleted" in body
    assert "It is deleted when you save or discard the draft" in first
    assert "it is kept with the draft after the scenario is saved" in second
    assert "You can delete it there at any time." in second


def test_pasted_complaint_redirects_to_draft(client, supervisor, account):
    data = {"source": SOURCE, "instructions": "Angrier.", "account": account.pk, "mode": "chat", "difficulty": "expert"}

    response = client.post(f"{DRAFTS}add/", data, follow=True)

    draft = ScenarioDraft.objects.get()
    assert response.redirect_chain == [(page(draft), 302)]
    assert (draft.organization, draft.created_by, draft.account) == (account.organization, supervisor, account)
    assert (draft.source, draft.instructions, draft.mode, draft.difficulty) == (SOURCE, "Angrier.", "chat", "expert")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [("c.pdf", pages_pdf(PAGE), PAGE_TEXT), ("c.txt", SOURCE.encode(), SOURCE), ("c.md", SOURCE.encode(), SOURCE)],
    ids=["pdf", "txt", "md"],
)
def test_uploaded_complaint_becomes_source(client, name, content, text):
    data = {"mode": "phone", "difficulty": "beginner", "source_file": SimpleUploadedFile(name, content)}

    client.post(f"{DRAFTS}add/", data)

    assert ScenarioDraft.objects.get().source == text


def test_uploaded_text_survives_error_in_another_field(client):
    file = SimpleUploadedFile("c.pdf", pages_pdf(PAGE))

    response = client.post(
        f"{DRAFTS}add/", {"source_file": file, "instructions": "x" * 1001, "mode": "chat", "difficulty": "expert"}
    )

    form = response.context["form"]
    assert form.errors.keys() == {"instructions"}
    assert form["source"].value() == PAGE_TEXT
    assert escape(PAGE_TEXT) in response.content.decode()
    assert (form["instructions"].value(), form["mode"].value(), form["difficulty"].value()) == (
        "x" * 1001,
        "chat",
        "expert",
    )


def test_uploaded_text_over_limit_is_shown_for_shortening(client):
    file = SimpleUploadedFile("c.txt", b"x" * 15_001)

    response = client.post(f"{DRAFTS}add/", {"source_file": file, "mode": "phone", "difficulty": "beginner"})

    form = response.context["form"]
    assert form.errors == {
        "source": ["This text has 15,001 characters. The limit is 15,000. Leave out what doesn’t matter."]
    }
    assert form["source"].value() == "x" * 15_001


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"source": ""}, {"source": ["Paste the complaint, or choose a file."]}),
        ({"source": "x" * 49}, {"source": ["This text has 49 characters. Enter at least 50."]}),
        ({"mode": "letter"}, {"mode": ["Select a valid choice. letter is not one of the available choices."]}),
    ],
)
def test_new_form_shows_errors_and_keeps_input(client, changed, errors):
    data = {"source": SOURCE, "instructions": "Angrier.", "mode": "chat", "difficulty": "expert"} | changed

    response = client.post(f"{DRAFTS}add/", data)

    form = response.context["form"]
    assert form.errors == errors
    assert {name: form[name].value() for name in data} == data
    assert ScenarioDraft.objects.count() == 0


def test_conflicting_text_and_file_are_rejected(client):
    file = SimpleUploadedFile("c.txt", PAGE_TEXT.encode())
    data = {"source": SOURCE, "source_file": file, "mode": "chat", "difficulty": "expert"}

    response = client.post(f"{DRAFTS}add/", data)

    assert response.context["form"].errors.keys() == {"source_file"}
    assert response.context["form"]["source"].value() == SOURCE


def test_database_error_on_request_keeps_complaint(client, account):
    data = {"instructions": "Angrier.", "account": str(account.pk), "mode": "chat", "difficulty": "expert"}
    file = SimpleUploadedFile("c.pdf", pages_pdf(PAGE))

    with connection.execute_wrapper(fail_draft_writes):
        response = client.post(f"{DRAFTS}add/", data | {"source_file": file})

    form = response.context["form"]
    assert error_note(response) == ("The draft could not be requested. Your text is still here. Try again.")
    assert {name: form[name].value() for name in data} == data
    assert (form["source"].value(), ScenarioDraft.objects.count()) == (PAGE_TEXT, 0)


def test_account_choices_show_procedures_of_own_organization(client, account, other_organization):
    Account.objects.create(organization=other_organization, name="Wombat line")

    form = client.get(f"{DRAFTS}add/").context["form"]

    assert [label for _, label in form.fields["account"].choices] == [
        "The whole organization (no procedures)",
        "Harbor State Line (717) · no current procedures",
    ]


# ---- Drafts being written, and failed drafts


def test_writing_page_polls_and_links_to_itself(client, supervisor):
    draft = request_draft(supervisor, SOURCE, "Angrier.")

    full_page = client.get(page(draft)).content.decode()
    fragment = client.get(page(draft, "state")).content.decode()

    assert fragment.strip() in full_page and "<html" not in fragment
    assert f'hx-get="{page(draft, "state")}" hx-trigger="every 2s"' in fragment
    assert f'<a href="{page(draft)}">Refresh</a>' in fragment
    assert "quokkasource" in full_page and "Angrier." in full_page


@pytest.mark.parametrize("status", ["ready", "failed", "saved", "discarded"])
def test_polling_ends_when_draft_is_written(client, ready_draft, status):
    ScenarioDraft.objects.update(status=status)

    response = client.get(page(ready_draft, "state"))

    assert (response.headers["HX-Refresh"], response.content) == ("true", b"")


def test_failed_page_shows_reason_and_form(client, ready_draft):
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")

    response = client.get(page(ready_draft))

    assert error_note(response) == "The model refused."
    assert response.context["regenerate_form"]["source"].value() == SOURCE
    assert response.context["regenerate_form"]["instructions"].value() == "Angrier."


def test_retry_after_failure_uses_changed_texts(client, ready_draft):
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")

    response = client.post(page(ready_draft), {"again": "", "source": PAGE_TEXT, "instructions": "Quiet."})

    ready_draft.refresh_from_db()
    assert response.status_code == 302
    assert (ready_draft.status, ready_draft.source, ready_draft.instructions) == ("writing", PAGE_TEXT, "Quiet.")


def test_retry_with_invalid_text_keeps_input(client, ready_draft):
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")

    response = client.post(page(ready_draft), {"again": "", "source": "too short", "instructions": "Quiet."})

    again = response.context["regenerate_form"]
    assert again.errors == {"source": ["This text has 9 characters. Enter at least 50."]}
    assert (again["source"].value(), again["instructions"].value()) == ("too short", "Quiet.")
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.source) == ("failed", SOURCE)


def test_database_error_on_retry_keeps_text(client, ready_draft):
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")

    with connection.execute_wrapper(fail_draft_writes):
        response = client.post(page(ready_draft), {"again": "", "source": PAGE_TEXT, "instructions": "Quiet."})

    again = response.context["regenerate_form"]
    assert error_note(response).startswith("The draft could not be requested.")
    assert (again["source"].value(), again["instructions"].value()) == (PAGE_TEXT, "Quiet.")


def test_database_error_on_retry_keeps_edits(client, ready_draft):
    with connection.execute_wrapper(fail_draft_writes):
        response = client.post(
            page(ready_draft), FORM_DATA | {"again": "", "instructions": "Quiet.", "title": "Edited"}
        )

    assert "The draft could not be requested." in page_text(response)
    assert response.context["regenerate_form"]["instructions"].value() == "Quiet."
    assert response.context["form"]["title"].value() == "Edited"


def test_failed_retry_offers_earlier_draft(client, ready_draft):
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")
    assert "Go back to the earlier draft" in page_text(client.get(page(ready_draft)))

    response = client.post(
        page(ready_draft), {"restore": "", "source": PAGE_TEXT, "instructions": "Quiet."}, follow=True
    )

    ready_draft.refresh_from_db()
    assert form_values(response) == DRAFT_TEXTS
    assert (ready_draft.status, ready_draft.failure, ready_draft.source, ready_draft.instructions) == (
        "ready",
        "",
        SOURCE,
        "Angrier.",
    )


def test_failed_first_draft_offers_no_earlier_draft(client, supervisor):
    draft = request_draft(supervisor, SOURCE)
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")

    assert "Go back to the earlier draft" not in page_text(client.get(page(draft)))

    response = client.post(page(draft), {"restore": ""}, follow=True)
    assert messages_of(response) == [
        "The earlier draft is no longer available. Someone else has requested a new one, or has saved or discarded it."
    ]
    draft.refresh_from_db()
    assert draft.status == "failed"


def test_retry_from_edit_form_keeps_source(client, ready_draft):
    assert "Your edits above are lost" in page_text(client.get(page(ready_draft)))

    client.post(page(ready_draft), FORM_DATA | {"again": "", "instructions": "Quiet.", "source": PAGE_TEXT})

    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.source, ready_draft.instructions) == ("writing", SOURCE, "Quiet.")


def test_rejected_retry_keeps_edits(client, ready_draft):
    response = client.post(page(ready_draft), FORM_DATA | {"again": "", "instructions": "x" * 1001, "title": "Edited"})

    assert response.context["regenerate_form"].errors.keys() == {"instructions"}
    assert response.context["regenerate_form"]["instructions"].value() == "x" * 1001
    assert response.context["form"]["title"].value() == "Edited"
    ready_draft.refresh_from_db()
    assert ready_draft.status == "ready"


def test_retry_of_closed_draft_is_refused(client, ready_draft, supervisor):
    discard_draft(ready_draft)

    response = client.post(page(ready_draft), {"again": "", "instructions": "Quiet."}, follow=True)

    assert messages_of(response) == [
        "This draft is already being written, or someone else has saved or discarded it in the meantime."
    ]


# ---- Editing


def test_edit_page_shows_all_fields_and_complaint(client, ready_draft):
    response = client.get(page(ready_draft))

    form, body = response.context["form"], page_text(response)
    assert form_values(response) == DRAFT_TEXTS
    assert form["skills"].value() == [skill.pk for skill in ready_draft.skills.all()]
    assert (form["category"].value(), form["account"].value()) == (None, ready_draft.account_id)
    assert (form["mode"].value(), form["difficulty"].value()) == ("phone", "intermediate")
    assert form["estimated_minutes"].value() == 15
    assert "quokkasource" in body
    assert "Also suggested, but not found in the procedures Look up a section before you use it. 9010 Pets" in body
    assert "Drafted without procedures" not in body
    assert "No details of people in the complaint were found in this draft." in body


def test_edit_page_reports_missing_file_search(client, ready_draft):
    ScenarioDraft.objects.update(used_file_search=False)

    assert "Drafted without procedures." in page_text(client.get(page(ready_draft)))


def test_edit_page_shows_advice_without_blocking(client, ready_draft):
    leak = "You will be graded."
    ScenarioDraft.objects.update(prompt=f"You are Noor, 20, and afraid. {leak}")

    html = client.get(page(ready_draft)).content.decode()
    response = client.post(page(ready_draft), FORM_DATA | {"title": "", "prompt": "You wait for a score."})
    client.post(page(ready_draft), FORM_DATA | {"prompt": leak})

    assert f"<mark>{leak}</mark>" in html
    assert 'hx-post="/admin/scenarios/scenario/advice/"' in html
    assert leak not in response.content.decode() and response.context["advice"]["prompt"] != []
    assert Scenario.objects.get().prompt == leak


def test_edit_choices_are_limited_to_organization(client, ready_draft, other_organization):
    theirs = {
        "account": Account.objects.create(organization=other_organization, name="Wombat").pk,
        "category": Category.objects.filter(organization=other_organization)[0].pk,
        "skills": [Skill.objects.filter(organization=other_organization)[0].pk],
        "counselors": [add_person(other_organization, User.Role.COUNSELOR, "wombat@example.net").pk],
    }

    for name, value in theirs.items():
        response = client.post(page(ready_draft), FORM_DATA | {name: value})
        errors = response.context["form"].errors | response.context["assignment_form"].errors
        assert errors.keys() == {name}
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_eleven_skills_are_rejected(client, ready_draft, organization):
    skills = [skill.pk for skill in Skill.objects.filter(organization=organization)[:11]]

    rejected = client.post(page(ready_draft), FORM_DATA | {"skills": skills})
    assert rejected.context["form"].errors == {"skills": ["Choose at most 10 skills. You chose 11."]}

    client.post(page(ready_draft), FORM_DATA | {"skills": skills[:10]})
    assert Scenario.objects.get().skills.count() == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 256),
        ("description", "x" * 1001),
        ("prompt", ""),
        ("prompt", "x" * 10_001),
        ("evaluator_context", "x" * 50_001),
        ("relevant_policy_sections", "x" * 2001),
        ("estimated_minutes", "121"),
    ],
)
def test_edit_form_shows_errors_and_keeps_input(client, ready_draft, field, value):
    edited = FORM_DATA | {"description": "Edited.", field: value}

    response = client.post(page(ready_draft), edited)

    form = response.context["form"]
    assert form.errors.keys() == {field}
    assert {name: form[name].value() for name in form.fields if name in edited} == {
        name: edited[name] for name in form.fields if name in edited
    }
    assert (
        error_note(response) == "The draft was not saved. Correct the fields marked below. Your changes are still here."
    )
    assert Scenario.objects.count() == 0


def test_storage_error_on_save_keeps_input(client, ready_draft, monkeypatch):
    def fail(*args):
        raise OSError

    monkeypatch.setattr(FileSystemStorage, "save", fail)

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Edited"})

    assert "The scenario could not be saved." in page_text(response)
    assert response.context["form"]["title"].value() == "Edited"
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.source, Scenario.objects.count()) == ("ready", SOURCE, 0)


# ---- Passages that identify real people


def test_findings_have_field_kind_and_context(ready_draft):
    texts = DRAFT_TEXTS | {"prompt": f"{'a ' * 30}\n🌧 You are Margaret, {'b ' * 30}\nCall 555-014-2778."}

    name, phone = group_findings(ready_draft, texts)

    assert (name.label, name.kind, name.is_certain, name.is_unresolved) == ("Caller’s prompt", "Name", False, True)
    assert (phone.kind, phone.is_certain) == ("Phone, account, or other number", True)
    [place] = name.places
    assert (place.before, place.passage, place.after) == (
        "🌧 You are ",
        "Margaret",
        f", {'b ' * 19}…",
    )
    units = texts["prompt"].encode("utf-16-le")
    assert units[2 * place.start : 2 * place.end].decode("utf-16-le") == "Margaret"


def test_same_words_in_field_are_one_finding(ready_draft):
    [found] = group_findings(ready_draft, DRAFT_TEXTS | {"prompt": "Margaret waits, and Margaret hangs up."})

    assert [(place.start, place.end) for place in found.places] == [(0, 8), (20, 28)]


def test_edit_page_marks_name(client, ready_draft):
    ScenarioDraft.objects.update(title="Waiting (Margaret)")

    html = client.get(page(ready_draft)).content.decode()

    assert "Details from the complaint: 1 to resolve" in html
    assert 'href="#id_title" data-field="id_title" data-start="9" data-end="17">Waiting (<mark>Margaret</mark>)' in html


def test_unresolved_findings_block_save(client, ready_draft):
    edited = FORM_DATA | {"title": "Waiting (Margaret)", "prompt": "Call 555-014-2778.", "description": "Edited."}

    response = client.post(page(ready_draft), edited)

    assert error_note(response) == (
        "The draft was not saved. Resolve 2 passages from the complaint in the list below. Your changes are still here."
    )
    assert form_values(response)["description"] == "Edited."
    assert [(one.field, one.places[0].passage) for one in response.context["findings"]] == [
        ("title", "Margaret"),
        ("prompt", "555-014-2778"),
    ]
    assert Scenario.objects.count() == 0


def test_dismissals_are_kept_and_limited_to_uncertain_findings(client, ready_draft):
    dismissed = ["title:name:Margaret", "prompt:number:555-014-2778"]
    edited = FORM_DATA | {"title": "Waiting (Margaret)", "prompt": "Call 555-014-2778.", "dismissed": dismissed}

    response = client.post(page(ready_draft), edited)

    html = response.content.decode()
    assert error_note(response).startswith("The draft was not saved. Resolve 1 passage from the complaint")
    assert 'value="title:name:Margaret" checked' in html
    assert 'value="prompt:number' not in html
    client.post(page(ready_draft), edited | {"prompt": "Call."})
    assert Scenario.objects.get().title == "Waiting (Margaret)"


def test_check_view_searches_text_as_typed(client, ready_draft):
    edited = FORM_DATA | {"prompt": "You are\r\nMargaret, and tired."}

    with_name = client.post(page(ready_draft, "check"), edited).content.decode()
    with_dismissal = client.post(
        page(ready_draft, "check"), edited | {"dismissed": "prompt:name:Margaret"}
    ).content.decode()
    without_name = client.post(page(ready_draft, "check"), FORM_DATA).content.decode()

    assert (
        'data-unresolved="1"' in with_name and 'data-start="8" data-end="16"' in with_name and "<html" not in with_name
    )
    assert 'data-unresolved="0"' in with_dismissal and "all resolved" in with_dismissal
    assert 'data-unresolved="0"' in without_name and "No details of people in the complaint were found" in without_name
    ready_draft.refresh_from_db()
    assert ready_draft.prompt == DRAFT_TEXTS["prompt"]


# ---- Saving


def test_save_for_library_redirects_to_scenario(client, ready_draft, supervisor, organization, account):
    category = Category.objects.filter(organization=organization)[0]
    skills = list(Skill.objects.filter(organization=organization)[2:5])
    changed = {"category": category.pk, "account": account.pk, "skills": [skill.pk for skill in skills], "mode": "chat"}

    response = client.post(
        page(ready_draft), FORM_DATA | changed | {"difficulty": "expert", "estimated_minutes": "25"}, follow=True
    )

    scenario = Scenario.objects.get()
    assert response.redirect_chain == [(f"/scenarios/{scenario.pk}/try/", 302)]
    assert messages_of(response) == ["“Eleven minutes” was saved. It is in the library. The complaint was deleted."]
    for name in ("title", "description", "prompt", "relevant_policy_sections", "evaluator_context"):
        assert getattr(scenario, name) == DRAFT_TEXTS[name]
    assert (scenario.category, scenario.account, list(scenario.skills.all())) == (category, account, skills)
    assert (scenario.mode, scenario.difficulty, scenario.estimated_minutes) == ("chat", "expert", 25)
    assert (scenario.is_one_time, scenario.created_by) == (False, supervisor)
    assert Assignment.objects.count() == 0


@pytest.mark.parametrize("purpose", ["library", "one_time"])
def test_save_assigns_scenario(client, ready_draft, supervisor, counselor, colleague, purpose):
    tomorrow = timezone.localdate() + timedelta(days=1)
    assignment = {
        "purpose": purpose,
        "counselors": [counselor.pk, colleague.pk],
        "due_date": str(tomorrow),
        "notes": "Take your time.",
        "require_recording": "on",
    }

    response = client.post(page(ready_draft), FORM_DATA | assignment, follow=True)

    scenario = Scenario.objects.get()
    assert scenario.is_one_time is (purpose == "one_time")
    location = "It is a one-time scenario" if scenario.is_one_time else "It is in the library"
    assert messages_of(response) == [
        f"“Eleven minutes” was saved. {location} and was assigned to colleague@example.org, counselor@example.org. "
        "The complaint was deleted."
    ]
    rows = Assignment.objects.all()
    assert {row.counselor for row in rows} == {counselor, colleague}
    assert {(row.scenario, row.assigned_by, row.due_date, row.notes, row.require_recording) for row in rows} == {
        (scenario, supervisor, tomorrow, "Take your time.", True)
    }


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"purpose": "one_time"}, "counselors"),
        ({"notes": "Take your time."}, "counselors"),
        ({"require_recording": "on"}, "counselors"),
        ({"purpose": ""}, "purpose"),
        ({"counselors": ["COUNSELOR"], "due_date": "2020-01-01"}, "due_date"),
    ],
)
def test_invalid_assignment_saves_nothing(client, ready_draft, counselor, changed, field):
    changed = {name: [counselor.pk] if value == ["COUNSELOR"] else value for name, value in changed.items()}

    response = client.post(page(ready_draft), FORM_DATA | changed | {"title": "Edited"})

    assert response.context["assignment_form"].errors.keys() == {field}
    assert response.context["form"]["title"].value() == "Edited"
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_trainer_saves_for_library_only(trainer, ready_draft, counselor):
    client = client_of(trainer)
    response = client.get(page(ready_draft))

    client.post(page(ready_draft), FORM_DATA | {"purpose": "one_time", "counselors": [counselor.pk]})

    assert (response.context["assignment_form"], counselor.email in response.content.decode()) == (None, False)
    assert [scenario.is_one_time for scenario in Scenario.objects.all()] == [False]
    assert Assignment.objects.count() == 0


def test_save_message_reports_kept_complaint(client, ready_draft):
    Organization.objects.update(keeps_sources=True)

    response = client.post(page(ready_draft), FORM_DATA, follow=True)

    assert messages_of(response) == [
        "“Eleven minutes” was saved. It is in the library. The complaint was kept with the draft."
    ]


def test_second_save_is_refused_and_keeps_input(client, ready_draft, supervisor):
    scenario, _ = save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Second"})

    assert error_note(response) == (
        "Your changes were not saved. Someone else has saved this draft as First in the meantime. "
        "Your text is below, so that you can copy it."
    )
    assert f"/admin/scenarios/scenario/{scenario.pk}/change/" in response.content.decode()
    assert form_values(response)["title"] == "Second"
    assert list(Scenario.objects.all()) == [scenario]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("discarded", "Someone else has discarded this draft"), ("writing", "Someone else has requested a new draft")],
)
def test_save_of_closed_draft_shows_reason(client, ready_draft, status, reason):
    ScenarioDraft.objects.update(status=status)

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Mine"})

    assert reason in error_note(response)
    assert form_values(response)["title"] == "Mine"
    assert Scenario.objects.count() == 0


# ---- Closed drafts


def test_saved_draft_links_to_scenario(client, ready_draft, supervisor):
    scenario, _ = save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    first = client.get(page(ready_draft))
    scenario.delete()
    second = page_text(client.get(page(ready_draft)))

    assert "This draft was saved as the scenario First . The complaint was deleted." in page_text(first)
    assert f'href="/admin/scenarios/scenario/{scenario.pk}/change/"' not in second
    assert "but the scenario has been deleted since" in second
    assert "quokkasource" not in first.content.decode() + second


def test_saved_draft_shows_kept_complaint(client, ready_draft, supervisor):
    Organization.objects.update(keeps_sources=True)
    save_draft(ScenarioDraft.objects.get(), supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    assert "quokkasource" in page_text(client.get(page(ready_draft)))


def test_kept_complaint_can_be_deleted(client, ready_draft, supervisor):
    Organization.objects.update(keeps_sources=True)
    scenario, _ = save_draft(ScenarioDraft.objects.get(), supervisor, {"title": "First", "prompt": "You are Noor."}, "")
    assert "Delete complaint permanently" in page_text(client.get(page(ready_draft)))

    response = client.post(page(ready_draft), {"delete_source": "", "confirmed": "yes"}, follow=True)

    ready_draft.refresh_from_db()
    assert messages_of(response) == ["The complaint was deleted."]
    assert "quokkasource" not in page_text(response) and "Delete the complaint" not in page_text(response)
    assert (ready_draft.source, ready_draft.instructions, ready_draft.scenario) == ("", "", scenario)


def test_complaint_of_open_draft_cannot_be_deleted(client, ready_draft):
    response = client.post(page(ready_draft), FORM_DATA | {"delete_source": "", "confirmed": "yes"}, follow=True)

    ready_draft.refresh_from_db()
    assert messages_of(response) == ["Nothing was deleted, because this draft has not been saved."]
    assert (ready_draft.status, ready_draft.source) == ("ready", SOURCE)


@pytest.mark.parametrize("verb", ["discard", "delete_source"])
def test_draft_page_asks_before_deleting(client, ready_draft, verb):
    page_text_before = page_text(client.post(page(ready_draft), FORM_DATA | {verb: ""}))

    ready_draft.refresh_from_db()
    assert "You can’t undo this." in page_text_before
    assert (ready_draft.status, ready_draft.source) == ("ready", SOURCE)


def test_discard_clears_draft(client, ready_draft):
    response = client.post(page(ready_draft), FORM_DATA | {"discard": "", "confirmed": "yes"}, follow=True)

    assert response.redirect_chain == [(DRAFTS, 302)]
    assert messages_of(response) == ["The draft and its complaint were deleted."]
    body = client.get(page(ready_draft)).content.decode()
    assert "This draft was discarded." in body
    assert "quokkasource" not in body


def test_discard_refuses_saved_draft(client, ready_draft, supervisor):
    save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    response = client.post(page(ready_draft), {"discard": "", "confirmed": "yes"}, follow=True)

    assert messages_of(response) == ["Nothing was discarded. Someone else has saved this draft."]


# ---- Lists and permissions


def test_list_shows_newest_first_with_status(client, ready_draft, supervisor, account):
    save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")
    request_draft(supervisor, SOURCE, mode="chat")
    discard_draft(request_draft(supervisor, SOURCE))

    html = client.get(DRAFTS).content.decode()

    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr><.*?</tr>", html, re.DOTALL)]
    assert [row.partition(" supervisor@example.org")[0] for row in rows[-3:]] == [
        "No title Discarded Phone -",
        "No title Being written Chat -",
        "First Saved Phone Harbor State Line (717)",
    ]


def test_list_query_count_is_constant(client, supervisor, account, django_assert_num_queries):
    request_draft(supervisor, SOURCE, account=account)
    with CaptureQueriesContext(connection) as few:
        client.get(DRAFTS)
    for _ in range(30):
        request_draft(supervisor, SOURCE, account=account)

    with django_assert_num_queries(len(few)):
        client.get(DRAFTS)


def test_stranger_cannot_see_or_change_draft(stranger, ready_draft):
    client = client_of(stranger)
    before = ScenarioDraft.objects.values().get()

    assert "Eleven minutes" not in client.get(DRAFTS).content.decode()
    assert client.get(page(ready_draft)).status_code == 302
    for data in (FORM_DATA, {"again": ""}, {"restore": ""}, {"discard": ""}, {"delete_source": ""}):
        assert client.post(page(ready_draft), data).status_code == 302
    assert client.get(page(ready_draft, "state")).status_code == 404
    assert client.post(page(ready_draft, "check"), FORM_DATA).status_code == 404
    assert ScenarioDraft.objects.values().get() == before
    assert Scenario.objects.count() == 0


def test_admin_history_contains_no_text_of_draft(client, ready_draft):
    client.post(page(ready_draft), FORM_DATA | {"again": "", "instructions": "Quiet."})

    assert "quokkasource" not in client.get(page(ready_draft, "history")).content.decode()
    assert "This object doesn’t have a change history" in client.get(page(ready_draft, "history")).content.decode()


def test_draft_cannot_be_deleted(ready_draft, admin):
    admin.is_superuser = True
    admin.save()

    assert client_of(admin).post(page(ready_draft, "delete"), {"post": "yes"}).status_code == 403


def test_unstorable_character_keeps_complaint(client):
    response = client.post(f"{DRAFTS}add/", {"source": f"\0{SOURCE}", "mode": "chat", "difficulty": "expert"})

    form = response.context["form"]
    assert form.errors.keys() == {"source"}
    assert SOURCE in form["source"].value()


def test_draft_requests_are_rate_limited(client, settings):
    settings.DRAFTS_PER_HOUR = 1
    data = {"source": SOURCE, "mode": "chat", "difficulty": "expert"}
    responses = [client.post(f"{DRAFTS}add/", data) for _ in range(2)]

    assert [response.status_code for response in responses] == [302, 200]
    assert "You can request up to 1 draft an hour. No draft was requested" in error_note(responses[-1])
    assert responses[-1].context["form"]["source"].value() == SOURCE


def scanned_complaint() -> SimpleUploadedFile:
    """Return a PDF with a scanned page and an attached file."""
    content = (settings.BASE_DIR / "fixtures" / "demo" / "prairie-505-guidelines.pdf").read_bytes()
    return SimpleUploadedFile("complaint.pdf", content)


def test_unread_parts_of_complaint_file_are_named(supervisor):
    client = client_of(supervisor)

    data = {"source_file": scanned_complaint(), "mode": "phone", "difficulty": "beginner"}
    client.post(f"{DRAFTS}add/", data)

    draft = ScenarioDraft.objects.get()
    named = "Page 2 has a large picture. We can’t read words in pictures."
    assert explain_unread_parts(draft.unread) == [named, "1 attached file was not read."]
    assert named in page_text(client.get(page(draft)))
    assert client.get(f"/api/scenarios/drafts/{draft.pk}/").json()["unread"] == explain_unread_parts(draft.unread)
    discard_draft(draft)
    draft.refresh_from_db()
    assert draft.unread == []


def test_form_that_keeps_only_the_text_of_a_file_names_its_unread_parts(supervisor):
    data = {"source_file": scanned_complaint(), "mode": "phone", "difficulty": "beginner", "instructions": "x" * 1001}

    response = client_of(supervisor).post(f"{DRAFTS}add/", data)

    assert "Page 2 has a large picture. We can’t read words in pictures." in page_text(response)
    assert not ScenarioDraft.objects.exists()
