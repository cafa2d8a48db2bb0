"""The admin site's import pages."""

import re
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from scenarios.models import ImportJob, Scenario
from scenarios.packs.columns import COLUMNS
from scenarios.services.import_writing import write_import
from scenarios.services.imports import MAX_BYTES, start_import
from tests.scenarios.import_factories import (
    make_pack_file,
    make_row,
    make_rows,
    run_test_import,
    stage_test_import,
    start_test_import,
)
from tests.support.fixtures import add_scenario, client_of

ADD = "/admin/scenarios/importjob/add/"
LIST = "/admin/scenarios/importjob/"
OPTIONS = ("may_update", "creates_categories", "is_partial")


def page_of(job: ImportJob) -> str:
    return f"/admin/scenarios/importjob/{job.pk}/change/"


def upload(person, content: bytes, name: str = "pack.json", **options):
    return client_of(person).post(ADD, {"file": SimpleUploadedFile(name, content)} | options)


def page_text(response) -> str:
    """Return the text of the page's content, without markup."""
    html = response.content.decode()
    html = html[max(html.find('id="content"'), 0) :]
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def rows_of(response) -> list[list[str]]:
    """Return the cells of each preview row: number, line, title, and the rest."""
    table = response.content.decode().partition('class="import-rows"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr data-outcome.*?</tr>", table, re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one, re.DOTALL)
        ]
        for one in rows
    ]


def test_titles_of_another_organization_are_not_linked(stranger, organization, other_organization):
    theirs = add_scenario(organization, "Night shift")
    add_scenario(other_organization, "Night shift")
    job = stage_test_import(other_organization, make_row("Night shift"))

    html = client_of(stranger).get(page_of(job)).content.decode()

    own = Scenario.objects.get(organization=other_organization)
    assert f"/scenarios/{own.pk}/" in html
    assert str(theirs.pk) not in html


def test_upload_is_checked_and_shown_row_by_row(trainer, organization):
    add_scenario(organization, "There already")
    content = make_pack_file(
        make_row("New one"),
        make_row("THERE already"),
        make_row("Wrong one", mode="letter", category="nowhere"),
        make_row("new ONE"),
    )

    response = upload(trainer, content.getvalue())

    job = ImportJob.objects.get()
    assert (response.status_code, response["Location"]) == (302, page_of(job))
    assert (job.organization, job.created_by, job.source, job.filename) == (organization, trainer, "page", "pack.json")
    assert rows_of(client_of(trainer).get(page_of(job))) == [
        ["1", "1", "New one", "New"],
        ["2", "1", "THERE already", "Already exists"],
        [
            "3",
            "1",
            "Wrong one",
            "Invalid mode : “letter” is not one of these: phone, chat. "
            "category : There is no category “nowhere”. Available: Advanced, Assessment, Onboarding, Refresher.",
        ],
        ["4", "1", "new ONE", "Already exists title : Row 1 of this file has the same title."],
    ]
    assert Scenario.objects.count() == 1


def test_problem_is_shown_with_line_and_column(trainer):
    upload(trainer, b'title,prompt,estimated_minutes\r\nOne,You.,soon\r\n"Two\nlines",You.,never\r\n', "pack.csv")

    response = client_of(trainer).get(page_of(ImportJob.objects.get()))

    assert [one[3] for one in rows_of(response)] == [
        "Invalid line 2, column 10 estimated_minutes : Enter a whole number, such as 15, instead of “soon”.",
        "Invalid line 4, column 13 estimated_minutes : Enter a whole number, such as 15, instead of “never”.",
    ]


@pytest.mark.parametrize("selected", [(), OPTIONS])
def test_upload_options_are_stored_with_job(supervisor, account, selected):
    upload(supervisor, make_pack_file(make_row()).getvalue(), account=str(account.pk), **dict.fromkeys(selected, "on"))

    job = ImportJob.objects.get()
    assert job.account == account
    assert {name: getattr(job, name) for name in OPTIONS} == {name: name in selected for name in OPTIONS}


def test_unavailable_context_rejects_upload(supervisor, organization):
    run_test_import(organization, make_row(evaluator_context="- Waits."))
    default_storage.delete(Scenario.objects.get().evaluator_context_file.name)

    response = upload(supervisor, make_pack_file(make_row(evaluator_context="- New.")).getvalue(), may_update="on")

    assert response.context["form"].errors["file"] == [
        "This file could not be checked, because an evaluator context that it may change can’t be read right now. "
        "Try again in a moment."
    ]
    assert ImportJob.objects.count() == 1


def test_unreadable_file_keeps_chosen_options(supervisor, account):
    response = upload(supervisor, b'[{"title": "One",\n "prompt" 7}]', account=str(account.pk), may_update="on")

    assert response.status_code == 200
    assert response.context["form"].errors == {
        "file": ["Line 2, column 11: Row 1. A colon is missing between a name and its value."]
    }
    assert "Fix the problem, and choose the file again." in page_text(response)
    form = response.context["form"]
    assert (form["account"].value(), form["may_update"].value(), form["is_partial"].value()) == (
        str(account.pk),
        True,
        False,
    )
    assert not ImportJob.objects.exists()


def test_missing_or_oversized_file_is_rejected_at_field(supervisor, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    missing = client_of(supervisor).post(ADD, {})
    oversized = upload(supervisor, b" " * (MAX_BYTES + 1))

    assert missing.context["form"].errors == {"file": ["Choose a file."]}
    assert oversized.context["form"].errors == {"file": ["The file is larger than 32 MB. Split it into several files."]}


def test_account_choices_are_limited_to_organization(supervisor, account, other_organization):
    Account.objects.create(organization=other_organization, name="Their line")

    response = client_of(supervisor).get(ADD)

    labels = [label for _, label in response.context["form"].fields["account"].choices]
    assert labels == ["The whole organization", "Harbor State Line (717) · no current procedures"]


def test_account_of_another_organization_is_rejected(supervisor, other_organization):
    theirs = Account.objects.create(organization=other_organization, name="Their line")

    response = upload(supervisor, make_pack_file(make_row()).getvalue(), account=str(theirs.pk))

    assert list(response.context["form"].errors) == ["account"]
    assert not ImportJob.objects.exists()


def test_upload_page_describes_columns(supervisor):
    response = client_of(supervisor).get(ADD)

    assert [column.name for column in response.context["columns"]] == list(COLUMNS)
    assert {column.name: column.allowed_values for column in response.context["columns"]}["mode"] == (
        "phone or chat; by default, phone"
    )
    text = page_text(response)
    assert "title Required. Up to 255 characters" in text
    assert "estimated_minutes A whole number from 5 to 120; by default, 15" in text


@pytest.mark.parametrize(("kind", "content_type"), [("csv", "text/csv; charset=utf-8"), ("json", "application/json")])
def test_template_can_be_imported(trainer, organization, kind, content_type):
    response = client_of(trainer).get(f"{LIST}template.{kind}")

    assert response["Content-Disposition"] == f'attachment; filename="scenarios.{kind}"'
    assert response["Content-Type"] == content_type
    upload(trainer, response.content, f"scenarios.{kind}", creates_categories="on")
    job = ImportJob.objects.get()
    assert (job.invalid, job.ignored_columns) == (0, [])
    assert job.to_write == job.total > 0


# ---- The preview


def test_rows_are_filtered_by_outcome_and_paginated(supervisor, organization):
    job = stage_test_import(organization, *make_rows(120), make_row("Bad", mode="letter"), make_row("Caller 0"))
    client = client_of(supervisor)

    first, second = client.get(page_of(job)), client.get(f"{page_of(job)}?page=2")
    invalid, unknown = client.get(f"{page_of(job)}?outcome=invalid"), client.get(f"{page_of(job)}?outcome=odd&page=x")

    assert [len(rows_of(response)) for response in (first, second, invalid, unknown)] == [100, 22, 1, 100]
    assert "All (122) New (120) Already exists (1) Invalid (1)" in page_text(first)
    assert f'href="{page_of(job)}?outcome=new&amp;page=2"' in client.get(f"{page_of(job)}?outcome=new").content.decode()


def test_preview_query_count_is_constant(supervisor, organization):
    few, many = stage_test_import(organization, *make_rows(2)), stage_test_import(organization, *make_rows(300))
    client = client_of(supervisor)

    def count_queries(job: ImportJob) -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(page_of(job))
        return len(found)

    assert count_queries(few) == count_queries(many)


def test_preview_lists_ignored_columns(supervisor, organization):
    job = stage_test_import(organization, make_row(mood="low", weather="rain"))

    assert "Unknown columns that are ignored: mood , weather ." in page_text(client_of(supervisor).get(page_of(job)))


def test_title_is_escaped(supervisor, organization):
    job = stage_test_import(organization, make_row("<script>alert(1)</script>", category="<b>x</b>"))

    page = client_of(supervisor).get(page_of(job)).content.decode()

    assert "<script>alert" not in page and "<b>x</b>" not in page


def buttons(response) -> list[str]:
    return re.findall(r"<button[^>]*>([^<]+)</button>", response.content.decode().partition('id="import"')[2])


def test_invalid_rows_block_import_until_partial_is_chosen(supervisor, organization):
    job = stage_test_import(organization, make_row("One"), make_row("Two"), make_row("Bad", mode="letter"))
    client = client_of(supervisor)

    page = client.get(page_of(job))
    assert buttons(page) == ["Import the 2 valid rows", "Discard"]
    assert "Nothing has been imported yet, because 1 of 3 rows is invalid." in page_text(page)
    rejected = client.post(f"{LIST}{job.pk}/begin/", follow=True)
    assert "Nothing was imported. The file has invalid rows." in rejected.content.decode()
    client.post(f"{LIST}{job.pk}/begin/", {"anyway": "1"})

    job.refresh_from_db()
    assert (job.status, job.is_partial) == (ImportJob.Status.QUEUED, True)


def test_valid_file_is_imported_after_confirmation(supervisor, organization):
    add_scenario(organization, "Old")
    new = stage_test_import(organization, make_row("One"), make_row("Two"))
    both = stage_test_import(organization, make_row("One"), make_row("Old"), may_update=True)
    changed = stage_test_import(organization, make_row("Old"), may_update=True)
    client = client_of(supervisor)

    assert buttons(client.get(page_of(new)))[0] == "Import 2 scenarios"
    assert buttons(client.get(page_of(both)))[0] == "Import 1 and update 1 scenario"
    assert buttons(client.get(page_of(changed)))[0] == "Update 1 scenario"


def test_same_file_again_offers_no_import(supervisor, organization):
    run_test_import(organization, *make_rows(3))

    page = client_of(supervisor).get(page_of(stage_test_import(organization, *make_rows(3))))

    assert "Nothing to import. All 3 scenarios already exist." in page_text(page)
    assert buttons(page) == ["Discard"]


def test_file_without_valid_row_offers_no_import(supervisor, organization):
    page = client_of(supervisor).get(page_of(stage_test_import(organization, make_row("Bad", mode="letter"))))

    assert "Nothing can be imported. 1 of 1 rows is invalid." in page_text(page)
    assert buttons(page) == ["Discard"]


def test_discard_deletes_preview(supervisor, organization):
    job = stage_test_import(organization, make_row())

    client = client_of(supervisor)
    assert "Discard this import?" in client.post(f"{LIST}{job.pk}/discard/").content.decode()
    response = client.post(f"{LIST}{job.pk}/discard/", {"confirmed": "yes"}, follow=True)

    assert "The import of pack.json was discarded. Nothing was imported." in response.content.decode()
    assert not ImportJob.objects.exists()


def test_discard_refuses_started_import(supervisor, organization):
    job = start_test_import(organization, make_row())

    response = client_of(supervisor).post(f"{LIST}{job.pk}/discard/", follow=True)

    assert "This import has already started and can’t be discarded." in response.content.decode()
    assert ImportJob.objects.get() == job


# ---- Running and finished imports


def test_double_click_starts_import_once(supervisor, organization, django_capture_on_commit_callbacks):
    job = stage_test_import(organization, make_row())
    client = client_of(supervisor)

    with django_capture_on_commit_callbacks() as queued:
        responses = [client.post(f"{LIST}{job.pk}/begin/") for _ in range(2)]

    assert [response["Location"] for response in responses] == [page_of(job)] * 2
    assert len(queued) == 1


def test_page_polls_while_import_is_under_way(supervisor, organization):
    job = start_test_import(organization, *make_rows(2))
    client = client_of(supervisor)
    progress = f"{LIST}{job.pk}/progress/"

    waiting = client.get(page_of(job))
    ImportJob.objects.update(status=ImportJob.Status.RUNNING, written=1)
    running = client.get(progress)
    ImportJob.objects.update(status=ImportJob.Status.QUEUED)
    write_import(job.pk)
    finished = client.get(progress)

    assert "Waiting for a worker: 0 of 2 done" in page_text(waiting)
    assert f'hx-get="{progress}"' in waiting.content.decode()
    assert '<progress id="import-bar" max="2" value="1">' in running.content.decode()
    assert "hx-get" in running.content.decode() and "<html" not in running.content.decode()
    assert "hx-get" not in finished.content.decode()
    assert "The import is complete. Created: 2. Already existing: 0." in page_text(finished)


def test_result_links_to_scenarios(supervisor, organization):
    old = add_scenario(organization, "Old")
    unchanged = add_scenario(organization, "There", "phone", prompt="You are Dana.")
    job = run_test_import(
        organization, make_row("New"), make_row("OLD", mode="chat"), make_row("There"), may_update=True
    )

    page = client_of(supervisor).get(page_of(job)).content.decode()

    linked = re.findall(r'scope="row"><a href="/scenarios/([^/]+)/">([^<]+)</a>', page)
    new = Scenario.objects.get(title="New")
    assert linked == [(str(new.pk), "New"), (str(old.pk), "OLD"), (str(unchanged.pk), "There")]


def test_deleted_scenario_is_not_linked(supervisor, organization):
    job = run_test_import(organization, make_row("New"))
    Scenario.objects.all().delete()

    assert "/scenario/" not in client_of(supervisor).get(page_of(job)).content.decode().partition("import-rows")[2]


def test_failed_import_reports_progress_and_can_be_resumed(
    supervisor, organization, django_capture_on_commit_callbacks
):
    job = start_test_import(organization, *make_rows(2))
    ImportJob.objects.update(status=ImportJob.Status.FAILED, written=1, failure="The rest could not be written.")
    client = client_of(supervisor)

    page = client.get(page_of(job))
    with django_capture_on_commit_callbacks() as queued:
        client.post(f"{LIST}{job.pk}/resume/")
        client.post(f"{LIST}{job.pk}/resume/")

    assert "The import did not finish. The rest could not be written. 1 of 2 rows are done." in page_text(page)
    assert buttons(page) == ["Import the rest"]
    job.refresh_from_db()
    assert (job.status, len(queued)) == (ImportJob.Status.QUEUED, 1)


# ---- Permissions


def test_list_shows_imports_of_own_organization(supervisor, stranger, organization):
    run_test_import(organization, make_row(), by=supervisor)
    client = client_of(supervisor)

    assert "pack.json" in client.get(LIST).content.decode()
    assert "Import scenarios" in client.get(LIST).content.decode()
    assert "pack.json" not in client_of(stranger).get(LIST).content.decode()


def test_list_query_count_is_constant(supervisor, trainer, organization):
    client = client_of(supervisor)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(LIST)
        return len(found)

    stage_test_import(organization, make_row(), by=supervisor)
    one = queries()
    for _ in range(5):
        stage_test_import(organization, make_row(), by=trainer)

    assert queries() == one


def test_stranger_cannot_open_import(stranger, organization):
    job = stage_test_import(organization, make_row())
    client = client_of(stranger)

    assert client.get(f"{LIST}{job.pk}/progress/").status_code == 404
    for verb in ("begin", "resume", "discard"):
        assert client.post(f"{LIST}{job.pk}/{verb}/").status_code == 404
        assert client.post(f"{LIST}{uuid4()}/{verb}/").status_code == 404
    job.refresh_from_db()
    assert job.status == ImportJob.Status.CHECKED


def test_get_request_starts_nothing(supervisor, organization):
    job = stage_test_import(organization, make_row())
    client = client_of(supervisor)

    assert [client.get(f"{LIST}{job.pk}/{verb}/").status_code for verb in ("begin", "resume", "discard")] == [405] * 3
    start_import(job, queue=False)
    assert job.status == ImportJob.Status.QUEUED


def test_missing_categories_are_offered_on_the_page_and_created(supervisor, organization):
    context = "Background\n- Alone\n\nExpected\n- Asks directly about suicide.\n"
    rows = [make_row("One", category="New hires", evaluator_context=context), make_row("Two", category="New hires")]
    upload(supervisor, make_pack_file(*rows).getvalue())
    job, client = ImportJob.objects.get(), client_of(supervisor)

    before = page_text(client.get(page_of(job)))
    after = page_text(client.post(f"/admin/scenarios/importjob/{job.pk}/categories/", follow=True))

    assert "This category does not exist yet: New hires. The box “Create categories” was not checked." in before
    assert "2 rows: 1, 2" in before
    assert "New categories: New hires" in after and "Import 2 scenarios" in after
    assert "1 check will be graded. It is proposed from the evaluator context. Asks directly about suicide. 3×" in after
    assert "Line 2 Alone “Background” is about the caller or the situation." in after
