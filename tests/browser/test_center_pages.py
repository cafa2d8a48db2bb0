"""The center's pages and the page of an account, in a browser: clicks, keyboard, focus, and accessibility."""

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Dialog, Page, expect

from tests.browser.demo_site import DEMO_PASSWORD, PASSWORD, DemoSite, PageMonitor
from tests.browser.test_accessibility import accessibility_problems
from tests.config.demo_process import wait_until

ADMIN, SUPERVISOR = "admin@example.org", "supervisor@example.org"
DESK = {"width": 1440, "height": 900}


def confirm_password_if_asked(page: Page) -> None:
    """Answer the question for the password by keyboard. The action that asked goes on by itself."""
    if "/reauthenticate/" in page.url and page.get_by_label("Password").is_visible():
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_load_state()


def invitation_link(demo_site: DemoSite, email: str) -> str:
    """Return the path of the link in the email, which the demo prints."""

    def find_link() -> re.Match[str] | None:
        return re.search(rf"To: {re.escape(email)}\n.*?(/invitation/[\w-]+/)", demo_site.demo.output, re.DOTALL)

    wait_until(find_link, "the invitation was sent")
    found = find_link()
    assert found
    return found[1]


def test_five_people_are_invited_in_three_clicks_and_one_accepts(
    open_page: Callable[..., Page], demo_site: DemoSite, monitor: PageMonitor
) -> None:
    run = uuid4().hex[:8]
    emails = [f"new-{name}-{run}@x.example.org" for name in ("ana", "ben", "cy", "di", "eve")]
    page = open_page("/", ADMIN)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]

    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Center").click()
    page.get_by_label("Email addresses").click()
    page.keyboard.insert_text(f"Ana Reyes <{emails[0]}>; {emails[1]}, {emails[2]}\n{emails[3]}\t{emails[4]}")
    page.get_by_role("button", name="Send invitations").click()
    confirm_password_if_asked(page)

    expect(page.get_by_role("status").filter(has_text="5 people are invited.")).to_be_visible()
    expect(page.locator(".row-title").filter(has_text=run)).to_have_count(5)
    visitor = open_page(invitation_link(demo_site, emails[0]))
    expect(visitor.get_by_label("First name")).to_have_value("Ana")
    assert accessibility_problems(visitor) == []
    visitor.get_by_label("Choose a password").fill(PASSWORD)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_text("Welcome, Ana. Your account is ready.")).to_be_visible()
    assert visitor.url == f"{demo_site.url}/"
    page.reload()
    expect(page.locator(".row-title").filter(has_text=run)).to_have_count(4)
    expect(page.locator("a.row").filter(has_text=emails[0])).to_contain_text("Ana Reyes")


def test_wrong_entries_get_the_focus_and_stay_in_the_box(open_page: Callable[..., Page]) -> None:
    page = open_page("/center/people/", ADMIN)

    page.get_by_label("Email addresses").fill("kim@harbor\nsupervisor@example.org")
    page.get_by_role("button", name="Send invitations").click()
    confirm_password_if_asked(page)

    expect(page.locator("#not-invited")).to_be_focused()
    expect(page.locator("#not-invited li")).to_contain_text(["Line 1, “kim@harbor”", "Line 2, “supervisor@"])
    expect(page.get_by_label("Email addresses")).to_have_value("kim@harbor\nsupervisor@example.org")
    assert accessibility_problems(page) == []


def test_settings_are_saved_by_keyboard(open_page: Callable[..., Page], monitor: PageMonitor) -> None:
    monitor.expect_statuses(400)
    page = open_page("/center/", ADMIN)
    slots = page.get_by_label("Calls at the same time")

    slots.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    expect(slots).to_be_focused()
    expect(slots).to_be_in_viewport()
    assert accessibility_problems(page) == []
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("24")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(slots).to_have_value("24")
    expect(page.locator("h2")).to_have_text(
        [
            "Features",
            "Assignments and feedback",
            "Time and language",
            "Limits on calls",
            "Recordings and privacy",
            "Support for counselors",
            "AI models",
        ]
    )


def test_feature_is_turned_off_by_keyboard_and_leaving_unsaved_asks_first(
    open_page: Callable[..., Page], monitor: PageMonitor
) -> None:
    page = open_page("/center/", ADMIN)
    drafts = page.get_by_role("checkbox", name="Drafting scenarios from complaints", exact=True)
    asked: list[str] = []

    def keep_open(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", keep_open)
    drafts.focus()
    page.keyboard.press("Space")
    expect(drafts).not_to_be_checked()
    page.get_by_role("link", name="Cohorts").click(no_wait_after=True)
    wait_until(lambda: asked, "the page asked before it was left")
    assert asked == ["beforeunload"] and page.url.endswith("/center/")
    page.get_by_role("button", name="Save settings").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(drafts).not_to_be_checked()
    drafts.check()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(drafts).to_be_checked()
    assert asked == ["beforeunload"]


def test_token_is_shown_once_and_revoked_after_a_question(open_page: Callable[..., Page]) -> None:
    page = open_page("/center/integrations/tokens/new/", ADMIN)
    name = f"Nightly report {uuid4().hex[:8]}"

    page.get_by_label("Name").fill(name)
    page.get_by_label("Read feedback").check()
    page.get_by_role("button", name="Create token").click()
    confirm_password_if_asked(page)
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("slt_")
    assert accessibility_problems(page) == []
    page.get_by_role("link", name="I have copied it").click()

    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("read feedback")
    assert secret not in page.content()
    assert accessibility_problems(page) == []
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Revoke the token “{name}”?")
    page.get_by_role("button", name="Revoke token").click()
    expect(row).to_contain_text("Revoked")


def test_refused_upload_gets_the_focus_and_account_page_is_accessible(
    open_page: Callable[..., Page], monitor: PageMonitor
) -> None:
    """Also open a section: its list is part of the page, and its text is a page of its own."""
    monitor.expect_statuses(400)
    page = open_page("/accounts/", SUPERVISOR)
    page.get_by_role("link", name="Harbor State Line (717)").click()

    page.get_by_label("New document").set_input_files(
        {"name": "m.docx", "mimeType": "application/msword", "buffer": b"x"}
    )
    page.get_by_role("button", name="Upload").click()

    message = page.locator("#upload-refused")
    expect(message).to_be_focused()
    expect(message).to_be_in_viewport()
    expect(message).to_contain_text("Upload a PDF, TXT, or MD file.")
    assert accessibility_problems(page) == []
    page.get_by_role("link", name="Asking about suicide").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Asking about suicide")
    assert accessibility_problems(page) == []
