"""Import pages: upload, preview of every row, confirmation, progress, and result."""

import re

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from scenarios.models import ImportJob, Scenario
from scenarios.services.import_writing import write_import
from scenarios.services.imports import MAX_BYTES
from tests.scenarios.admin.test_imports import OPTIONS, page_text
from tests.scenarios.import_factories import (
    make_pack_file,
    make_row,
    make_rows,
    run_test_import,
    stage_test_import,
    start_test_import,
)
from tests.support.fixtures import add_scenario, client_of

NEW = "/scenarios/import/"


def page_of(job: ImportJob, name: str = "") -> str:
    return f"{NEW}{job.pk}/{name}"


def upload(person, content: bytes, name: str = "pack.json", **options):
    return client_of(person).post(NEW, {"file": SimpleUploadedFile(name, content)} | options)


def banner(response) -> str:
    """Return the message that a refused form puts the focus on."""
    found = re.search(r"data-refusal>(.*?)</div></div>", response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def rows_of(response) -> list[list[str]]:
    """Return the cells of each row, without the checks in the cell of the title."""
    table = response.content.decode().partition("import-rows")[2].partition("</table>")[0]
    rows = re.findall(r"<tr data-outcome.*?</tr>", re.sub(r"<details.*?</details>", "", table, flags=re.S), re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one, re.S)
        ]
        for one in rows
    ]


def choices_of(response) -> list[str]:
    """Return what the person can do with the import: the buttons and links of the page's head."""
    head = response.content.decode().partition('id="import"')[2].partition('class="stack stack-5"')[0]
    found = re.findall(r'<(?:button|a) class="button[^>]*>(.*?)</(?:button|a)>', head, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


def test_upload_is_checked_and_shown_row_by_row(trainer, organization):
    add_scenario(organization, "There already")
    content = make_pack_file(make_row("New one"), make_row("THERE already"), make_row("Wrong one", mode="letter"))

    response = upload(trainer, content.getvalue())

    job = ImportJob.objects.get()
    assert (response.status_code, response["Location"]) == (302, page_of(job))
    assert (job.organization, job.created_by, job.source, job.filename) == (organization, trainer, "page", "pack.json")
    assert rows_of(client_of(trainer).get(page_of(job))) == [
        ["1", "1", "New one", "New"],
        ["2", "1", "THERE already", "Already exists"],
        ["3", "1", "Wrong one", "Invalid mode : “letter” is not one of these: phone, chat."],
    ]
    assert Scenario.objects.count() == 1


@pytest.mark.parametrize("selected", [(), OPTIONS])
def test_options_are_stored_and_kept_for_the_next_upload(supervisor, account, selected):
    upload(supervisor, make_pack_file(make_row()).getvalue(), account=str(account.pk), **dict.fromkeys(selected, "on"))

    job = ImportJob.objects.get()
    assert job.account == account
    assert {name: getattr(job, name) for name in OPTIONS} == {name: name in selected for name in OPTIONS}
    client = client_of(supervisor)
    again = re.search(rf'href="({NEW}\?account=[^"]*)"', client.get(page_of(job)).content.decode())
    form = client.get(again[1].replace("&amp;", "&")).context["form"]
    assert {name: bool(form[name].value()) for name in OPTIONS} == {name: name in selected for name in OPTIONS}
    assert str(form["account"].value()) == str(account.pk)


def test_refused_file_says_why_in_the_message_with_the_focus_and_keeps_the_choices(supervisor, account):
    response = upload(supervisor, b'[{"title": "One",\n "prompt" 7}]', account=str(account.pk), may_update="on")

    form = response.context["form"]
    assert banner(response) == (
        "The file was refused, and nothing was imported. Line 2, column 11: Row 1. A colon is missing between a name "
        "and its value. Fix the problem, and choose the file again. Your other choices were kept."
    )
    assert (form["account"].value(), form["may_update"].value(), form["is_partial"].value()) == (
        str(account.pk),
        True,
        False,
    )
    assert not ImportJob.objects.exists()


def test_every_refusal_is_in_the_message(supervisor, organization, other_organization, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    theirs = Account.objects.create(organization=other_organization, name="Their line")
    run_test_import(organization, make_row(evaluator_context="- Waits."))
    default_storage.delete(Scenario.objects.get().evaluator_context_file.name)
    pack = make_pack_file(make_row(evaluator_context="- New.")).getvalue()

    assert "Choose a file." in banner(client_of(supervisor).post(NEW, {}))
    assert "The file is larger than 32 MB." in banner(upload(supervisor, b" " * (MAX_BYTES + 1)))
    assert "can’t be read right now" in banner(upload(supervisor, pack, may_update="on"))
    assert "Correct the field marked below" in banner(upload(supervisor, pack, account=str(theirs.pk)))
    settings.UPLOADS_PER_HOUR = 0
    assert "an hour" in banner(upload(supervisor, pack))
    assert ImportJob.objects.count() == 1


@pytest.mark.parametrize(("kind", "content_type"), [("csv", "text/csv; charset=utf-8"), ("json", "application/json")])
def test_template_can_be_imported(trainer, kind, content_type):
    response = client_of(trainer).get(f"{NEW}template.{kind}")

    assert response["Content-Disposition"] == f'attachment; filename="scenarios.{kind}"'
    assert response["Content-Type"] == content_type
    upload(trainer, response.content, f"scenarios.{kind}", creates_categories="on")
    job = ImportJob.objects.get()
    assert (job.invalid, job.ignored_columns) == (0, [])


def test_upload_page_lists_recent_imports_and_columns(supervisor, organization, other_organization):
    stage_test_import(other_organization, make_row())
    job = run_test_import(organization, make_row("One"), make_row("Bad", mode="letter"), is_partial=True)
    waiting = stage_test_import(organization, make_row("Two"), by=supervisor)
    client = client_of(supervisor)

    page, still_open = client.get(NEW), client.get(f"{NEW}?state=open")

    assert list(page.context["page"]) == [waiting, job] and list(still_open.context["page"]) == [waiting]
    assert "pack.json 2 rows 1 invalid 1 done" in page_text(page)
    assert f'href="{page_of(job)}"' in page.content.decode()
    assert "title Required Up to 255 characters" in page_text(page)


# ---- The preview


def test_rows_are_filtered_by_outcome_and_paginated(supervisor, organization):
    job = stage_test_import(organization, *make_rows(120), make_row("Bad", mode="letter"), make_row("Caller 0"))
    client = client_of(supervisor)

    first, second = client.get(page_of(job)), client.get(page_of(job, "?page=2"))
    invalid, unknown = client.get(page_of(job, "?outcome=invalid")), client.get(page_of(job, "?outcome=odd&page=x"))

    assert [len(rows_of(response)) for response in (first, second, invalid, unknown)] == [100, 22, 1, 100]
    assert "All (122) New (120) Already exists (1) Invalid (1)" in page_text(first)
    assert 'href="?outcome=new&amp;page=2"' in client.get(page_of(job, "?outcome=new")).content.decode()


def test_preview_query_count_is_constant(supervisor, organization):
    few, many = stage_test_import(organization, *make_rows(2)), stage_test_import(organization, *make_rows(300))
    client = client_of(supervisor)

    def count_queries(job: ImportJob) -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(page_of(job))
        return len(found)

    assert count_queries(few) == count_queries(many)


def test_titles_are_escaped_and_never_link_to_another_organization(stranger, organization, other_organization):
    theirs = add_scenario(organization, "Night shift")
    own = add_scenario(other_organization, "Night shift")
    job = stage_test_import(other_organization, make_row("Night shift"), make_row("<script>alert(1)</script>"))

    html = client_of(stranger).get(page_of(job)).content.decode()

    assert f"/scenarios/{own.pk}/" in html
    assert str(theirs.pk) not in html and "<script>alert" not in html


def test_choices_follow_from_what_was_found(supervisor, organization):
    add_scenario(organization, "Old")
    client = client_of(supervisor)
    jobs = {
        "new": stage_test_import(organization, make_row("One"), make_row("Two")),
        "both": stage_test_import(organization, make_row("One"), make_row("Old"), may_update=True),
        "changed": stage_test_import(organization, make_row("Old"), may_update=True),
        "known": stage_test_import(organization, make_row("Old")),
        "bad": stage_test_import(organization, make_row("Bad", mode="letter")),
        "partly": stage_test_import(organization, make_row("One"), make_row("Bad", mode="letter")),
    }

    pages = {name: client.get(page_of(job)) for name, job in jobs.items()}

    assert {name: choices_of(page) for name, page in pages.items()} == {
        "new": ["Discard", "Upload again", "Import 2 scenarios"],
        "both": ["Discard", "Upload again", "Import 1 and update 1 scenario"],
        "changed": ["Discard", "Upload again", "Update 1 scenario"],
        "known": ["Discard", "Upload again"],
        "bad": ["Discard", "Upload again"],
        "partly": ["Discard", "Upload again", "Import the 1 valid row"],
    }
    assert "No problems found. Nothing has been imported yet." in page_text(pages["new"])
    assert "Nothing to import. The scenario already exists." in page_text(pages["known"])
    assert "Nothing can be imported. 1 of 1 rows is invalid." in page_text(pages["bad"])


def test_invalid_rows_block_import_until_partial_is_chosen(supervisor, organization):
    job = stage_test_import(organization, make_row("One"), make_row("Bad", mode="letter", mood="low"))
    client = client_of(supervisor)

    page = page_text(client.get(page_of(job)))
    assert "Nothing has been imported yet, because 1 of 2 rows is invalid." in page
    assert "Unknown columns that are ignored: mood ." in page
    rejected = client.post(page_of(job, "begin/"), follow=True)
    assert "Nothing was imported. The file has invalid rows." in rejected.content.decode()
    client.post(page_of(job, "begin/"), {"anyway": "1"})

    job.refresh_from_db()
    assert (job.status, job.is_partial) == (ImportJob.Status.QUEUED, True)


def test_missing_categories_are_offered_and_created(supervisor, organization):
    context = "Background\n- Alone\n\nExpected\n- Asks directly about suicide.\n"
    rows = [make_row("One", category="New hires", evaluator_context=context), make_row("Two", category="New hires")]
    job, client = stage_test_import(organization, *rows), client_of(supervisor)

    before = page_text(client.get(page_of(job)))
    after = page_text(client.post(page_of(job, "categories/"), follow=True))

    assert "This category does not exist yet: New hires. The box “Create categories” was not checked." in before
    assert "2 rows: 1, 2" in before
    assert "New categories: New hires" in after and "Import 2 scenarios" in after
    assert "1 check will be graded. It is proposed from the evaluator context. Asks directly about suicide. 3×" in after


# ---- Running and finished imports


def test_double_click_starts_import_once(supervisor, organization, django_capture_on_commit_callbacks):
    job = stage_test_import(organization, make_row())
    client = client_of(supervisor)

    with django_capture_on_commit_callbacks() as queued:
        responses = [client.post(page_of(job, "begin/")) for _ in range(2)]

    assert [response["Location"] for response in responses] == [page_of(job)] * 2
    assert len(queued) == 1


def test_page_polls_and_links_to_itself_while_import_is_under_way(supervisor, organization):
    job = start_test_import(organization, *make_rows(2))
    client = client_of(supervisor)
    progress = page_of(job, "progress/")

    waiting = client.get(page_of(job))
    ImportJob.objects.update(status=ImportJob.Status.RUNNING, written=1)
    running = client.get(progress).content.decode()
    ImportJob.objects.update(status=ImportJob.Status.QUEUED)
    write_import(job.pk)
    finished = client.get(progress)

    assert "Waiting for a worker: 0 of 2 done" in page_text(waiting)
    assert f'hx-get="{progress}"' in waiting.content.decode() and choices_of(waiting) == []
    assert f'id="import-again" href="{page_of(job)}"' in waiting.content.decode()
    assert '<progress id="import-bar" max="2" value="1">' in running
    assert "hx-get" in running and "<html" not in running
    assert "hx-get" not in finished.content.decode()
    assert "The import is complete. Created: 2. Already existing: 0." in page_text(finished)
    assert f'href="/scenarios/{Scenario.objects.get(title="Caller 0").pk}/"' in finished.content.decode()


def test_stopped_import_can_be_resumed(supervisor, organization):
    job = start_test_import(organization, *make_rows(2))
    ImportJob.objects.update(status=ImportJob.Status.FAILED, failure="The import was stopped.", written=1)
    client = client_of(supervisor)

    page = client.get(page_of(job))
    client.post(page_of(job, "resume/"))

    assert "The import did not finish. The import was stopped. 1 of 2 rows are done." in page_text(page)
    assert choices_of(page) == ["Import the rest"]
    job.refresh_from_db()
    assert job.status == ImportJob.Status.QUEUED


def test_discard_asks_and_refuses_a_started_import(supervisor, organization):
    job, started = stage_test_import(organization, make_row()), start_test_import(organization, make_row("Other"))
    client = client_of(supervisor)

    assert "Discard this import?" in client.post(page_of(job, "discard/")).content.decode()
    assert ImportJob.objects.filter(pk=job.pk).exists()
    discarded = client.post(page_of(job, "discard/"), {"confirmed": "yes"}, follow=True)
    refused = client.post(page_of(started, "discard/"), {"confirmed": "yes"}, follow=True)

    assert "The import of pack.json was discarded. Nothing was imported." in discarded.content.decode()
    assert "This import has already started and can’t be discarded." in refused.content.decode()
    assert list(ImportJob.objects.all()) == [started]
