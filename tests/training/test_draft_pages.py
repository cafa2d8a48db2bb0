"""Pages of drafts from complaints: request, wait, remove personal details, save, assign, and discard."""

import re
from datetime import timedelta

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Organization, User
from scenarios.models import Category, Scenario, ScenarioDraft, Skill
from scenarios.services.drafts import discard_draft, request_draft, save_draft
from tests.scenarios.admin.test_drafts import (
    DRAFT_TEXTS,
    FORM_DATA,
    PAGE_TEXT,
    SOURCE,
    fail_draft_writes,
    form_values,
    messages_of,
    page_text,
    ready_draft,  # noqa: F401
    scanned_complaint,
)
from tests.support.fixtures import add_person, client_of
from training.models import Assignment

NEW = "/scenarios/drafts/"
REQUEST = {"source": SOURCE, "instructions": "Angrier.", "mode": "chat", "difficulty": "expert"}


def page(draft: ScenarioDraft, name: str = "") -> str:
    return f"{NEW}{draft.pk}/{name}"


def refusal(response) -> str:
    """Return the message that has the focus."""
    found = re.search(r"data-refusal>(.*?)</div>", response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", found[1]).split()) if found else ""


@pytest.fixture
def client(supervisor):
    return client_of(supervisor)


@pytest.fixture
def failed(ready_draft):  # noqa: F811
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")
    return ready_draft


# ---- New drafts


def test_new_page_explains_use_of_source(client, organization):
    first = page_text(client.get(NEW))
    Organization.objects.update(keeps_sources=True)
    second = page_text(client.get(NEW))

    for body in (first, second):
        assert "It is sent as a quotation to the model that writes the draft" in body
        assert "names, numbers, addresses, dates of birth, and employers from this text and from your" in body
        assert "within 14 days, the draft and this text are deleted" in body
    assert "It is deleted when you save or discard the draft" in first
    assert "it is kept with the draft after the scenario is saved" in second


def test_pasted_complaint_redirects_to_draft(client, supervisor, account):
    response = client.post(NEW, REQUEST | {"account": account.pk}, follow=True)

    draft = ScenarioDraft.objects.get()
    assert response.redirect_chain == [(page(draft), 302)]
    assert (draft.organization, draft.created_by, draft.account) == (account.organization, supervisor, account)
    assert (draft.source, draft.instructions, draft.mode, draft.difficulty) == (SOURCE, "Angrier.", "chat", "expert")


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"source": ""}, {"source": ["Paste the complaint, or choose a file."]}),
        ({"source": "x" * 49}, {"source": ["This text has 49 characters. Enter at least 50."]}),
        ({"mode": "letter"}, {"mode": ["Select a valid choice. letter is not one of the available choices."]}),
    ],
)
def test_refused_request_keeps_input_and_says_so_in_the_message_with_the_focus(client, changed, errors):
    data = REQUEST | changed

    response = client.post(NEW, data)

    form = response.context["form"]
    assert form.errors == errors
    assert refusal(response) == "Nothing was submitted. Correct the fields marked below. Your text is still here."
    assert {name: form[name].value() for name in data} == data
    assert ScenarioDraft.objects.count() == 0


def test_text_of_an_uploaded_file_survives_refusals(client):
    file = SimpleUploadedFile("c.txt", PAGE_TEXT.encode())
    with connection.execute_wrapper(fail_draft_writes):
        response = client.post(NEW, REQUEST | {"source": "", "source_file": file})
    scanned = client.post(NEW, REQUEST | {"source": "", "source_file": scanned_complaint(), "instructions": "x" * 1001})
    conflict = client.post(NEW, REQUEST | {"source_file": SimpleUploadedFile("c.txt", PAGE_TEXT.encode())})

    assert refusal(response) == "The draft could not be requested. Your text is still here. Try again."
    assert response.context["form"]["source"].value() == PAGE_TEXT
    assert "Page 2 has a large picture. We can’t read words in pictures." in page_text(scanned)
    assert conflict.context["form"].errors.keys() == {"source_file"}
    assert ScenarioDraft.objects.count() == 0


def test_requests_are_rate_limited(client, settings):
    settings.DRAFTS_PER_HOUR = 1
    responses = [client.post(NEW, REQUEST) for _ in range(2)]

    assert [response.status_code for response in responses] == [302, 200]
    assert "You can request up to 1 draft an hour. No draft was requested" in refusal(responses[-1])
    assert responses[-1].context["form"]["source"].value() == SOURCE


def test_list_shows_own_drafts_everyones_and_the_open_ones(client, supervisor, trainer, ready_draft):  # noqa: F811
    save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")
    own, theirs = request_draft(supervisor, SOURCE), request_draft(trainer, SOURCE, mode="chat")

    lists = {query: list(client.get(NEW + query).context["page"]) for query in ("", "?whose=all", "?state=open")}
    body = client.get(f"{NEW}?whose=all").content.decode()

    assert lists == {"": [own, ready_draft], "?whose=all": [theirs, own, ready_draft], "?state=open": [own]}
    assert "First" in page_text(client.get(NEW)) and str(trainer) in body
    assert "quokkasource" not in body


# ---- Drafts being written, and failed drafts


def test_writing_page_polls_and_links_to_itself(client, supervisor):
    draft = request_draft(supervisor, SOURCE, "Angrier.")

    full_page = client.get(page(draft)).content.decode()
    fragment = client.get(page(draft, "state/")).content.decode()

    assert fragment.strip() in full_page and "<html" not in fragment
    assert f'hx-get="{page(draft, "state/")}" hx-trigger="every 2s"' in fragment
    assert f'href="{page(draft)}">Refresh</a>' in fragment
    assert "quokkasource" in full_page and "Angrier." in full_page


@pytest.mark.parametrize("status", ["ready", "failed", "saved", "discarded"])
def test_polling_ends_when_draft_is_written(client, ready_draft, status):  # noqa: F811
    ScenarioDraft.objects.update(status=status)

    response = client.get(page(ready_draft, "state/"))

    assert (response.headers["HX-Refresh"], response.content) == ("true", b"")


def test_failed_page_shows_reason_and_tries_again_with_changed_texts(client, failed):
    shown = client.get(page(failed))
    short = client.post(page(failed, "again/"), {"source": "too short", "instructions": "Quiet."})
    with connection.execute_wrapper(fail_draft_writes):
        broken = client.post(page(failed, "again/"), {"source": PAGE_TEXT, "instructions": "Quiet."})
    client.post(page(failed, "again/"), {"source": PAGE_TEXT, "instructions": "Quiet."})

    assert refusal(shown) == "The model refused."
    assert shown.context["regenerate_form"]["source"].value() == SOURCE
    assert short.context["regenerate_form"].errors == {"source": ["This text has 9 characters. Enter at least 50."]}
    assert short.context["regenerate_form"]["instructions"].value() == "Quiet."
    assert refusal(broken).startswith("The draft could not be requested.")
    assert broken.context["regenerate_form"]["source"].value() == PAGE_TEXT
    failed.refresh_from_db()
    assert (failed.status, failed.source, failed.instructions) == ("writing", PAGE_TEXT, "Quiet.")


def test_earlier_draft_is_restored_once(client, failed):
    assert "Go back to the earlier draft" in page_text(client.get(page(failed)))

    response = client.post(page(failed, "restore/"), follow=True)
    again = client.post(page(failed, "restore/"), follow=True)

    failed.refresh_from_db()
    assert (form_values(response), failed.status) == (DRAFT_TEXTS, "ready")
    assert messages_of(again) == [
        "The earlier draft is no longer available. Someone else has requested a new one, or has saved or discarded it."
    ]


def test_refused_retry_keeps_edits(client, ready_draft):  # noqa: F811
    data = FORM_DATA | {"title": "Edited"}
    long = client.post(page(ready_draft, "again/"), data | {"instructions": "x" * 1001})
    with connection.execute_wrapper(fail_draft_writes):
        broken = client.post(page(ready_draft, "again/"), data | {"instructions": "Quiet."})

    for response, reason in ((long, "1000 characters"), (broken, "The draft could not be requested.")):
        assert reason in refusal(response)
        assert response.context["form"]["title"].value() == "Edited"
    discard_draft(ready_draft)
    closed = client.post(page(ready_draft, "again/"), {"instructions": "Quiet."}, follow=True)
    assert messages_of(closed) == [
        "This draft is already being written, or someone else has saved or discarded it in the meantime."
    ]


# ---- Editing, and passages that identify real people


def test_edit_page_shows_all_fields_complaint_and_notes(client, ready_draft):  # noqa: F811
    ScenarioDraft.objects.update(used_file_search=False)
    response = client.get(page(ready_draft))

    form, body = response.context["form"], page_text(response)
    assert form_values(response) == DRAFT_TEXTS
    assert {name for name in form.fields if f'name="{name}"' not in response.content.decode()} == set()
    assert form["skills"].value() == [skill.pk for skill in ready_draft.skills.all()]
    assert "quokkasource" in body and "Drafted without procedures." in body
    assert "Also suggested, but not found in the procedures Look up a section before you use it. 9010 Pets" in body
    assert "No details of people in the complaint were found in this draft." in body


def test_unresolved_findings_block_save(client, ready_draft):  # noqa: F811
    edited = FORM_DATA | {"title": "Waiting (Margaret)", "prompt": "Call 555-014-2778.", "description": "Edited."}
    dismissed = edited | {"dismissed": ["title:name:Margaret", "prompt:number:555-014-2778"]}

    response, second = client.post(page(ready_draft), edited), client.post(page(ready_draft), dismissed)

    assert refusal(response) == (
        "The draft was not saved. Resolve 2 passages from the complaint in the list below. Your changes are still here."
    )
    assert form_values(response)["description"] == "Edited."
    html = second.content.decode()
    assert 'value="title:name:Margaret" checked' in html and 'value="prompt:number' not in html
    assert 'data-start="9" data-end="17">Waiting (<mark>Margaret</mark>)' in html
    assert Scenario.objects.count() == 0
    client.post(page(ready_draft), dismissed | {"prompt": "Call."})
    assert Scenario.objects.get().title == "Waiting (Margaret)"


def test_check_finds_details_and_advice_in_the_text_as_typed(client, ready_draft):  # noqa: F811
    edited = FORM_DATA | {"prompt": "You are\r\nMargaret. You will be graded."}

    found = client.post(page(ready_draft, "check/"), edited).content.decode()
    clean = client.post(page(ready_draft, "check/"), FORM_DATA).content.decode()

    assert 'data-unresolved="1"' in found and 'data-start="8" data-end="16"' in found and "<html" not in found
    assert 'id="advice-prompt"' in found and "<mark>You will be graded.</mark>" in found
    assert found.count('hx-swap-oob="true"') == 2
    assert 'data-unresolved="0"' in clean and "No details of people in the complaint were found" in clean
    ready_draft.refresh_from_db()
    assert ready_draft.prompt == DRAFT_TEXTS["prompt"]
    discard_draft(ready_draft)
    assert client.post(page(ready_draft, "check/"), edited).content == b""


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", ""), ("prompt", "x" * 10_001), ("evaluator_context", "x" * 50_001), ("estimated_minutes", "121")],
)
def test_edit_form_shows_errors_and_keeps_input(client, ready_draft, field, value):  # noqa: F811
    response = client.post(page(ready_draft), FORM_DATA | {"description": "Edited.", field: value})

    form = response.context["form"]
    assert form.errors.keys() == {field}
    assert form["description"].value() == "Edited."
    assert refusal(response) == (
        "The draft was not saved. Correct the fields marked below. Your changes are still here."
    )
    assert Scenario.objects.count() == 0


def test_choices_are_limited_to_organization(client, ready_draft, other_organization):  # noqa: F811
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


# ---- Saving


@pytest.mark.parametrize("purpose", ["library", "one_time"])
def test_save_assigns_scenario(client, ready_draft, supervisor, counselor, colleague, purpose):  # noqa: F811
    tomorrow = timezone.localdate() + timedelta(days=1)
    assignment = {"purpose": purpose, "counselors": [counselor.pk, colleague.pk], "due_date": str(tomorrow)}

    response = client.post(page(ready_draft), FORM_DATA | assignment | {"notes": "Take your time."}, follow=True)

    scenario = Scenario.objects.get()
    assert response.redirect_chain == [(f"/scenarios/{scenario.pk}/try/", 302)]
    location = "It is a one-time scenario" if scenario.is_one_time else "It is in the library"
    assert messages_of(response) == [
        f"“Eleven minutes” was saved. {location} and was assigned to colleague@example.org, counselor@example.org. "
        "The complaint was deleted."
    ]
    assert (scenario.is_one_time, scenario.evaluator_context) == (
        purpose == "one_time",
        DRAFT_TEXTS["evaluator_context"],
    )
    assert {(row.counselor, row.assigned_by, row.due_date, row.notes) for row in Assignment.objects.all()} == {
        (person, supervisor, tomorrow, "Take your time.") for person in (counselor, colleague)
    }


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"purpose": "one_time"}, "counselors"), ({"notes": "Slowly."}, "counselors"), ({"purpose": ""}, "purpose")],
)
def test_invalid_assignment_saves_nothing(client, ready_draft, changed, field):  # noqa: F811
    response = client.post(page(ready_draft), FORM_DATA | changed | {"title": "Edited"})

    assert response.context["assignment_form"].errors.keys() == {field}
    assert response.context["form"]["title"].value() == "Edited"
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_trainer_saves_for_library_only_and_reads_that_the_complaint_is_kept(trainer, ready_draft, counselor):  # noqa: F811
    Organization.objects.update(keeps_sources=True)
    client = client_of(trainer)
    shown = client.get(page(ready_draft))

    data = FORM_DATA | {"purpose": "one_time", "counselors": [counselor.pk]}
    response = client.post(page(ready_draft), data, follow=True)

    assert (shown.context["assignment_form"], counselor.email in shown.content.decode()) == (None, False)
    assert [scenario.is_one_time for scenario in Scenario.objects.all()] == [False]
    assert messages_of(response) == [
        "“Eleven minutes” was saved. It is in the library. The complaint was kept with the draft."
    ]
    assert Assignment.objects.count() == 0


def test_storage_error_on_save_keeps_input(client, ready_draft, monkeypatch):  # noqa: F811
    def fail(*args):
        raise OSError

    monkeypatch.setattr(FileSystemStorage, "save", fail)

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Edited"})

    assert refusal(response) == "The scenario could not be saved. Your changes are still here. Try again."
    assert response.context["form"]["title"].value() == "Edited"
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.source, Scenario.objects.count()) == ("ready", SOURCE, 0)


def test_second_save_is_refused_and_keeps_input(client, ready_draft, supervisor):  # noqa: F811
    scenario, _ = save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Second"})

    assert refusal(response) == (
        "Your changes were not saved. Someone else has saved this draft as First in the meantime. "
        "Your text is below, so that you can copy it."
    )
    assert f"/scenarios/{scenario.pk}/" in response.content.decode()
    assert form_values(response)["title"] == "Second"
    assert list(Scenario.objects.all()) == [scenario]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("discarded", "Someone else has discarded this draft"), ("writing", "Someone else has requested a new draft")],
)
def test_save_of_closed_draft_shows_reason(client, ready_draft, status, reason):  # noqa: F811
    ScenarioDraft.objects.update(status=status)

    response = client.post(page(ready_draft), FORM_DATA | {"title": "Mine"})

    assert reason in refusal(response)
    assert form_values(response)["title"] == "Mine"
    assert Scenario.objects.count() == 0


# ---- Closed drafts


def test_saved_draft_links_to_scenario_until_it_is_deleted(client, ready_draft, supervisor):  # noqa: F811
    scenario, _ = save_draft(ready_draft, supervisor, {"title": "First", "prompt": "You are Noor."}, "")

    first, address = client.get(page(ready_draft)), f"/scenarios/{scenario.pk}/"
    scenario.delete()
    second = page_text(client.get(page(ready_draft)))

    assert "This draft was saved as the scenario First . The complaint was deleted." in page_text(first)
    assert f'href="{address}"' in first.content.decode()
    assert "but the scenario has been deleted since" in second
    assert "quokkasource" not in first.content.decode() + second


def test_kept_complaint_is_deleted_after_a_question(client, ready_draft, supervisor):  # noqa: F811
    Organization.objects.update(keeps_sources=True)
    open_one = client.post(page(ready_draft, "complaint/delete/"), {"confirmed": "yes"}, follow=True)
    scenario, _ = save_draft(ScenarioDraft.objects.get(), supervisor, {"title": "First", "prompt": "You are Noor."}, "")
    shown = page_text(client.get(page(ready_draft)))
    question = page_text(client.post(page(ready_draft, "complaint/delete/")))
    response = client.post(page(ready_draft, "complaint/delete/"), {"confirmed": "yes"}, follow=True)

    ready_draft.refresh_from_db()
    assert messages_of(open_one) == ["Nothing was deleted, because this draft has not been saved."]
    assert "quokkasource" in shown and "You can’t undo this." in question
    assert messages_of(response) == ["The complaint was deleted."]
    assert "quokkasource" not in page_text(response)
    assert (ready_draft.source, ready_draft.instructions, ready_draft.scenario) == ("", "", scenario)


def test_discard_asks_then_clears_the_draft_unless_it_is_saved(client, ready_draft, supervisor):  # noqa: F811
    question = client.post(page(ready_draft, "discard/"))
    ready_draft.refresh_from_db()
    assert "You can’t undo this." in page_text(question) and ready_draft.source == SOURCE

    response = client.post(page(ready_draft, "discard/"), {"confirmed": "yes"}, follow=True)
    body = client.get(page(ready_draft)).content.decode()

    assert response.redirect_chain == [(NEW, 302)]
    assert messages_of(response) == ["The draft and its complaint were deleted."]
    assert "This draft was discarded." in body and "quokkasource" not in body
    ScenarioDraft.objects.update(status="saved")
    refused = client.post(page(ready_draft, "discard/"), {"confirmed": "yes"}, follow=True)
    assert messages_of(refused) == ["Nothing was discarded. Someone else has saved this draft."]


def test_stranger_cannot_see_or_change_draft(stranger, ready_draft):  # noqa: F811
    client = client_of(stranger)
    before = ScenarioDraft.objects.values().get()

    assert "Eleven minutes" not in client.get(f"{NEW}?whose=all").content.decode()
    answers = [client.get(page(ready_draft, name)).status_code for name in ("", "state/")]
    names = ("", "check/", "again/", "restore/", "discard/", "complaint/delete/")
    answers += [client.post(page(ready_draft, name), FORM_DATA | {"confirmed": "yes"}).status_code for name in names]
    assert answers == [404] * 8
    assert ScenarioDraft.objects.values().get() == before
    assert Scenario.objects.count() == 0
