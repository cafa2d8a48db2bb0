"""Import of packs by trainers and supervisors, in the real demo with its real worker."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.demo_site import PageMonitor

TRAINER, SUPERVISOR, STRANGER = "trainer@example.org", "supervisor@example.org", "stranger@example.net"
ADD = "/scenarios/import/"
JOB = re.compile("/scenarios/import/[0-9a-f-]{36}/")
TOO_LARGE = 50 * 1024**2


@pytest.fixture
def title_prefix() -> str:
    """Return a unique prefix for this test's titles, because tests share the demo."""
    return f"Pack {uuid4().hex[:6]}"


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, Any], name: str = "pack.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"scenarios": rows}))
        return path

    return write


def row(title: str, **values: Any) -> dict[str, Any]:
    return {"title": title, "prompt": "You are Dana, a nurse on the way home.", "evaluatorContext": "- Waits."} | values


def upload(page: Page, path: Path) -> None:
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Check file").click()


def preview(page: Page) -> list[list[str]]:
    """Return title and outcome of each row."""
    page.wait_for_url(JOB)
    rows = page.locator(".import-rows tbody tr").all()
    titles = [one.get_by_role("rowheader").inner_text().splitlines()[0] for one in rows]
    return [[title, one.locator(".chip").inner_text()] for title, one in zip(titles, rows, strict=True)]


def test_pack_is_previewed_and_imported_once(
    open_page: Callable[..., Page], pack: Callable[..., Path], title_prefix: str
) -> None:
    path = pack(row(f"{title_prefix} one"), row(f"{title_prefix} two", mode="chat"), row(f"{title_prefix} ONE"))
    page = open_page(ADD, TRAINER)
    upload(page, path)
    assert preview(page) == [
        [f"{title_prefix} one", "New"],
        [f"{title_prefix} two", "New"],
        [f"{title_prefix} ONE", "Already exists"],
    ]
    expect(page.locator("[data-result]")).to_have_text("No problems found. Nothing has been imported yet.")

    page.get_by_role("button", name="Import 2 scenarios").dblclick()

    expect(page.locator("[data-result]")).to_have_text("The import is complete. Created: 2. Already existing: 1.")
    page.get_by_role("link", name=f"{title_prefix} two").click()
    expect(page.get_by_label("Title", exact=True)).to_have_value(f"{title_prefix} two")
    page.get_by_role("link", name=re.compile("Assessed$")).click()
    expect(page.get_by_label("In your words")).to_have_value("- Waits.")
    page.goto(ADD)
    upload(page, path)
    expect(page.locator("[data-result]")).to_have_text("Nothing to import. All 3 scenarios already exist.")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)


@pytest.mark.prove
def test_invalid_rows_are_shown_and_skipped(
    open_page: Callable[..., Page], pack: Callable[..., Path], title_prefix: str
) -> None:
    page = open_page(ADD, SUPERVISOR)
    upload(page, pack(row(f"{title_prefix} good"), row(f"{title_prefix} bad", mode="letter", category="onboardin")))
    expect(page.locator("[data-result]")).to_contain_text(
        "Nothing has been imported yet, because 1 of 2 rows is invalid."
    )
    page.get_by_role("link", name="Invalid (1)").click()
    assert preview(page) == [[f"{title_prefix} bad", "Invalid"]]
    expect(page.locator(".import-rows li")).to_have_text(
        [
            "mode: “letter” is not one of these: phone, chat.",
            "category: There is no category “onboardin”. Did you mean “Onboarding”?",
        ]
    )

    page.get_by_role("button", name="Import the 1 valid row").click()

    expect(page.locator("[data-result]")).to_have_text(
        "The import is complete. Created: 1. Already existing: 0. Invalid and skipped: 1."
    )
    page.goto(f"/scenarios/?q={title_prefix}")
    expect(page.locator(".list-title")).to_have_count(1)


@pytest.mark.prove
def test_large_pack_shows_progress_until_it_is_complete(
    open_page: Callable[..., Page], pack: Callable[..., Path], title_prefix: str
) -> None:
    page = open_page(ADD, TRAINER)
    upload(page, pack(*[row(f"{title_prefix} {number}") for number in range(3000)]))
    expect(page.locator(".import-rows tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".import-rows tbody tr").first).to_contain_text(f"{title_prefix} 100")

    page.get_by_role("button", name="Import 3000 scenarios").click()

    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("[data-result]")).to_have_text("The import is complete. Created: 3000. Already existing: 0.")
    expect(page.locator("[data-announce]")).to_have_text("The import is complete.")


@pytest.mark.prove
def test_import_works_without_scripts(
    open_page: Callable[..., Page], pack: Callable[..., Path], title_prefix: str
) -> None:
    page = open_page(ADD, TRAINER, java_script_enabled=False)
    upload(page, pack(*[row(f"{title_prefix} {number}") for number in range(20)]))

    page.get_by_role("button", name="Import 20 scenarios").click()

    finished = page.locator("[data-result]", has_text="The import is complete. Created: 20.")
    while page.get_by_role("progressbar").count():
        page.get_by_role("link", name="Refresh").click()
    expect(finished).to_be_visible()


@pytest.mark.prove
def test_malformed_file_shows_the_error_position_and_keeps_the_options(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    broken = tmp_path / "pack.json"
    broken.write_text('[{"title": "One",\n  "prompt" 7}]')
    page = open_page(ADD, TRAINER)
    page.get_by_label("Update existing scenarios").check()

    upload(page, broken)

    expect(page.locator(".errorlist")).to_have_text(
        "Line 2, column 12: Row 1. A colon is missing between a name and its value."
    )
    expect(page.locator("[data-refusal]")).to_contain_text("A colon is missing between a name and its value.")
    expect(page.locator("[data-refusal]")).to_contain_text("choose the file again")
    expect(page.locator("[data-refusal]")).to_be_focused()
    expect(page.locator("[data-refusal]")).to_be_in_viewport()
    expect(page.get_by_label("Update existing scenarios")).to_be_checked()


def test_too_large_file_is_not_sent(open_page: Callable[..., Page], tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * TOO_LARGE)
    page = open_page(ADD, TRAINER)
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    sent: list[str] = []

    upload(page, large)

    expect(page.locator("#import-too-large")).to_have_text(
        "The file is larger than 32 MB. Split it into several files."
    )
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    assert sent == []


@pytest.mark.prove
def test_too_large_file_without_scripts_gets_an_error_page(
    open_page: Callable[..., Page], tmp_path: Path, monitor: PageMonitor
) -> None:
    monitor.expect_statuses(413)
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * TOO_LARGE)
    page = open_page(ADD, TRAINER, java_script_enabled=False)

    upload(page, large)

    expect(page.get_by_role("heading", level=1)).to_have_text("Your upload is too large")
    page.get_by_role("link", name="Open an empty form").click()
    expect(page.get_by_role("heading", name="Import scenarios")).to_be_visible()


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["CSV", "JSON"])
def test_downloaded_template_can_be_imported(open_page: Callable[..., Page], tmp_path: Path, kind: str) -> None:
    page = open_page(ADD, SUPERVISOR)
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)

    page.get_by_label("Create categories").check()
    upload(page, path)

    page.wait_for_url(JOB)
    expect(page.locator('[data-outcome="invalid"]')).to_have_count(0)
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard import").click()
    expect(page.locator(".toast p")).to_have_text(
        f"The import of scenarios.{kind.lower()} was discarded. Nothing was imported."
    )


def test_stranger_cannot_see_an_import(
    open_page: Callable[..., Page], monitor: PageMonitor, pack: Callable[..., Path], title_prefix: str
) -> None:
    page = open_page(ADD, TRAINER)
    upload(page, pack(row(f"{title_prefix} one"), name=f"{title_prefix}.json"))
    page.wait_for_url(JOB)
    monitor.expect_statuses(404)
    stranger = open_page(ADD, STRANGER)

    expect(stranger.get_by_text(title_prefix)).to_have_count(0)
    stranger.goto(page.url)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("We can’t find that page")
    expect(stranger.get_by_text(title_prefix)).to_have_count(0)


@pytest.mark.prove
@pytest.mark.parametrize(("width", "colors"), [(1280, "light"), (390, "dark")])
def test_import_pages_are_accessible(
    open_page: Callable[..., Page], pack: Callable[..., Path], title_prefix: str, width: int, colors: str
) -> None:
    page = open_page(ADD, SUPERVISOR, viewport={"width": width, "height": 900}, color_scheme=colors)
    found = axe_problems(page)
    upload(page, pack(row(f"{title_prefix} good", mood="low"), row(f"{title_prefix} bad", mode="letter")))
    page.wait_for_url(JOB)
    found += axe_problems(page)
    page.get_by_role("button", name="Import the 1 valid row").click()
    expect(page.locator("[data-result].banner-good")).to_be_visible()
    found += axe_problems(page)

    assert found == []


def axe_problems(page: Page) -> list[str]:
    """Return the accessibility violations and horizontal overflow in the import part of the page."""
    too_wide = page.evaluate("document.querySelector('#content').scrollWidth > window.innerWidth")
    violations = Axe().run(page, context="main").response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations] + ["too wide"] * too_wide
