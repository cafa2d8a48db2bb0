"""Journey from a complaint to a counselor's practice, in the real demo."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import DemoSite
from tests.browser.practice_actions import begin_chat, expect_caller_answer, send_message
from tests.browser.test_accessibility import accessibility_problems
from tests.config.demo_process import wait_until

SUPERVISOR = "supervisor@example.org"
NEW = "/scenarios/drafts/"
COMPLAINT = (Path(__file__).parents[2] / "fixtures/complaints/left-on-hold.txt").read_text()
LEAK = "You will be graded."
NAME, WORKPLACE = "Margaret", "Brightwater Dairy"
RESPONSES = "POST /v1/responses"
# Selected text of the focused field.
SELECTED_TEXT = (
    "(() => { const f = document.activeElement; return f.value.slice(f.selectionStart, f.selectionEnd); })()"
)


def submit_complaint(page: Page, instructions: str = "") -> None:
    page.get_by_label("Complaint or call summary").fill(COMPLAINT)
    page.get_by_label("Instructions").fill(instructions)
    page.get_by_role("group", name="Mode").get_by_text("Chat").click()
    page.get_by_role("button", name="Write draft").click()


def save_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Save scenario")


def error_note(page: Page) -> Locator:
    return page.locator("[data-refusal]")


def replace_name(page: Page, *labels: str) -> None:
    for label in labels:
        field = page.get_by_label(label, exact=True)
        field.fill(field.input_value().replace(NAME, "Noor"))


def test_complaint_becomes_an_assigned_scenario(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor, title = demo_site.add_counselor(), f"Left on hold {uuid4().hex[:6]}"
    page = open_page(NEW, SUPERVISOR)
    submit_complaint(page, "Keep the name.")

    # The draft appears without a reload, with the name marked and the complaint beside it.
    expect(save_button(page)).to_be_visible()
    draft = page.url
    expect(page.get_by_role("region", name="Complaint", exact=True)).to_contain_text(WORKPLACE)
    marked = page.locator(".draft-passage").filter(has=page.locator("mark", has_text=NAME))
    expect(marked).to_have_count(3)
    marked.last.click()
    expect(page.get_by_label("Caller’s prompt", exact=True)).to_be_focused()
    assert page.evaluate(SELECTED_TEXT) == NAME

    # The draft is not saved while it contains the name, and the input is kept.
    page.get_by_label("Title", exact=True).fill(f"{title} ({NAME})")
    page.get_by_label("One-time").check()
    page.get_by_label(counselor).check()
    page.get_by_label("Notes", exact=True).fill("Take your time with this one.")
    save_button(page).click()
    expect(error_note(page)).to_contain_text("The draft was not saved. Resolve 3 passages from the complaint")
    expect(error_note(page)).to_be_focused()
    expect(page.get_by_label("Notes", exact=True)).to_have_value("Take your time with this one.")
    expect(page.get_by_label(counselor)).to_be_checked()

    # Once the name is replaced, the draft is checked as it is typed, and it can be saved. Advice appears but does not
    # block saving.
    replace_name(page, "Description", "Caller’s prompt")
    prompt = page.get_by_label("Caller’s prompt", exact=True)
    prompt.fill(f"{prompt.input_value()}\n{LEAK}")
    page.get_by_role("button", name=LEAK).click()
    expect(prompt).to_be_focused()
    assert page.evaluate(SELECTED_TEXT) == LEAK
    expect(page.locator("#advice-status")).to_contain_text("Advice on the caller: 1.")
    page.get_by_label("Title", exact=True).fill(title)
    expect(page.locator(".draft-findings")).to_contain_text("No details of people in the complaint were found")
    expect(page.locator("#draft-status")).to_have_text("All details from the complaint are resolved.")
    save_button(page).click()
    expect(page.locator(".toast p")).to_have_text(
        f"“{title}” was saved. It is a one-time scenario and was assigned to {counselor}. The complaint was deleted."
    )

    trainee = open_page(demo_site.practice_page(counselor, title), counselor)
    expect(trainee.get_by_role("heading", level=1)).to_contain_text(title)
    begin_chat(trainee)
    send_message(trainee, "Hello, I'm Sam. I'm sorry that you had to wait so long.")
    expect_caller_answer(trainee, 3)

    page.goto(draft)
    expect(page.get_by_text("This draft was saved as the one-time scenario")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(WORKPLACE)


@pytest.mark.prove
def test_draft_is_saved_once_its_names_are_confirmed(open_page: Callable[..., Page]) -> None:
    page = open_page(NEW, SUPERVISOR)
    submit_complaint(page, "Keep the name.")
    expect(save_button(page)).to_be_visible()

    for _ in range(3):
        page.get_by_role("checkbox", name="is not about a real person", checked=False).first.check()
    expect(page.locator(".draft-findings")).to_contain_text("all resolved")
    save_button(page).click()

    expect(page.locator(".toast")).to_contain_text("was saved. It is in the library.")


@pytest.mark.prove
def test_refused_draft_can_be_tried_again(open_page: Callable[..., Page], demo_site_with_faults: DemoSite) -> None:
    demo_site_with_faults.add_openai_fault(RESPONSES, refusal=True)
    page = open_page(NEW, SUPERVISOR)
    submit_complaint(page, "Quieter.")
    expect(error_note(page)).to_contain_text("The model declined to write a draft from this text.")
    expect(page.get_by_label("Complaint or call summary")).to_have_value(COMPLAINT.strip())
    expect(page.get_by_label("Instructions")).to_have_value("Quieter.")

    demo_site_with_faults.clear_openai_faults()
    page.get_by_role("button", name="Try again").click()

    expect(save_button(page)).to_be_visible()
    page.get_by_role("button", name="Discard this draft").click()
    expect(page.get_by_role("heading", name="Discard this draft?")).to_be_visible()
    page.get_by_role("button", name="Discard draft and complaint").click()
    expect(page.locator(".toast")).to_contain_text("The draft and its complaint were deleted.")


@pytest.mark.prove
def test_draft_appears_without_scripts_after_a_reload(open_page: Callable[..., Page]) -> None:
    page = open_page(NEW, SUPERVISOR, java_script_enabled=False)
    submit_complaint(page, "Keep the name.")
    page.wait_for_url(re.compile("/scenarios/drafts/[0-9a-f-]{36}/$"))

    wait_until(lambda: page.reload() and save_button(page).count(), "the draft is written")

    save_button(page).click()
    expect(error_note(page)).to_contain_text("The draft was not saved. Resolve 3 passages from the complaint")


@pytest.mark.prove
def test_counters_agree_with_the_server(open_page: Callable[..., Page]) -> None:
    page = open_page(NEW, SUPERVISOR)
    source = page.get_by_label("Complaint or call summary")
    counter = page.locator("#id_source_counter")

    for typed, shown in [
        ("", "0 of 15,000 characters"),
        ("🌧" * 49, "49 of 15,000 characters (1 more needed)"),
        ("🌧" * 15_001 + "\n", "15,001 of 15,000 characters (1 too many)"),
    ]:
        source.fill(typed)
        expect(counter).to_have_text(shown)
        page.get_by_role("button", name="Write draft").click()
        expect(page.locator(".errorlist")).to_be_visible()
        expect(counter).to_have_text(shown)


@pytest.mark.prove
def test_draft_pages_are_accessible(open_page: Callable[..., Page], demo_site_with_faults: DemoSite) -> None:
    page = open_page(NEW, SUPERVISOR)
    page.get_by_role("button", name="Write draft").click()
    expect(page.get_by_text("Paste the complaint, or choose a file.")).to_be_visible()
    assert accessibility_problems(page) == []

    demo_site_with_faults.add_openai_fault(RESPONSES, delay=1)
    # Block updates of the page while it is checked.
    page.route(re.compile("/state/$"), lambda route: route.fulfill(status=204))
    submit_complaint(page, "Keep the name.")
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    assert accessibility_problems(page) == []
    page.unroute_all()
    expect(save_button(page)).to_be_visible()

    page.get_by_label("One-time").check()
    save_button(page).click()
    expect(error_note(page)).to_contain_text("The draft was not saved.")
    page.get_by_text("Try again with different instructions").click()
    assert accessibility_problems(page) == []

    demo_site_with_faults.clear_openai_faults()
    demo_site_with_faults.add_openai_fault(RESPONSES, invalid_json=True)
    page.get_by_role("button", name="Replace this draft and my edits").click()
    expect(error_note(page)).to_contain_text("could not be used")
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Go back to the earlier draft").click()
    expect(save_button(page)).to_be_visible()

    draft = page.url
    page.get_by_role("button", name="Discard this draft").click()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Discard draft and complaint").click()
    assert accessibility_problems(page) == []
    page.goto(draft)
    expect(page.get_by_text("This draft was discarded.")).to_be_visible()
    assert accessibility_problems(page) == []
