"""Authors in the scenario list and editor of the real demo."""

import json
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import CHAT, DemoSite, PageMonitor
from tests.browser.test_accessibility import accessibility_problems

SUPERVISOR, TRAINER = "supervisor@example.org", "trainer@example.org"
SMILE = "\U0001f642"  # one character in Python, two UTF-16 units in a browser
STEPS = ("Caller", "Assessed", "Procedures", "Try")
CALLER = "You are Jules, 19. At first you are tense. You write from a dormitory at night."


def prompt(page: Page) -> Locator:
    return page.get_by_label("What the caller knows and feels")


def expect_saved(page: Page) -> None:
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d+:\d\d [AP]M$"))


def go_to(page: Page, step: str) -> None:
    page.get_by_label("Steps").get_by_text(step, exact=True).click()


def count_clicks(page: Page) -> None:
    """Count the page's clicks, also across navigation."""
    page.add_init_script(
        "addEventListener('click', (e) => e.isTrusted && sessionStorage.setItem('clicks', "
        "1 + Number(sessionStorage.getItem('clicks') ?? 0)), true)"
    )


def publish(page: Page, title: str, text: str = CALLER, scenario_mode: str = "Chat") -> None:
    page.goto("/scenarios/new/")
    page.get_by_label("Title").fill(title)
    prompt(page).fill(text)
    page.locator("#editor").get_by_text(scenario_mode, exact=True).click()
    go_to(page, "Try")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text(f"“{title}” is in the library.")).to_be_visible()


def test_scenario_from_scratch_is_tried_in_five_clicks(open_page: Callable[..., Page]) -> None:
    page, title = open_page("/", SUPERVISOR, is_single_use=True), f"Dormitory {uuid4().hex[:6]}"
    count_clicks(page)
    page.reload()

    page.get_by_label("Main", exact=True).get_by_role("link", name="Scenarios", exact=True).click()
    page.get_by_role("link", name="New scenario").click()
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type(title)
    page.keyboard.press("Tab")
    page.keyboard.type(CALLER)
    go_to(page, "Try")
    page.get_by_role("button", name="Chat", exact=True).click()
    log = page.get_by_role("log", name="Chat with the caller")
    expect(log.get_by_role("listitem")).to_have_count(1)
    page.get_by_label("Your message").fill("Hello, my name is Sam.")
    page.keyboard.press("Enter")
    expect(log.get_by_role("listitem")).to_have_count(3)

    assert int(page.evaluate("sessionStorage.getItem('clicks')")) <= 5
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.reload()
    expect(page.locator(".row", has_text="Chat")).to_have_count(1)  # the try is listed


def test_text_survives_a_crash_and_another_device(open_page: Callable[..., Page], monitor: PageMonitor) -> None:
    monitor.expect_statuses(409)  # of the refused save
    page = open_page("/scenarios/new/", TRAINER)
    prompt(page).fill(CALLER)
    expect_saved(page)
    address = page.url
    assert re.search(r"/scenarios/[0-9a-f-]{36}/caller/$", address)

    other = open_page(address, TRAINER)
    expect(prompt(other)).to_have_value(CALLER)
    other.get_by_label("Title").fill("From the other device")
    expect(other.get_by_role("heading", level=1)).to_have_text("From the other device")
    page.get_by_label("Title").fill("From the first device")

    conflict = page.get_by_role("alert").filter(has_text="You saved this scenario in another window at")
    expect(conflict).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("From the first device")
    conflict.get_by_role("button", name="Save what is on this page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From the first device")
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_role("heading", name="Discard your changes?")).to_be_visible()
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("Your changes were discarded.")).to_be_visible()


def test_advice_appears_beside_the_text_while_writing(open_page: Callable[..., Page]) -> None:
    page = open_page("/scenarios/new/", SUPERVISOR)
    advice = page.get_by_label("Advice on the caller")
    expect(advice).to_contain_text("There is none right now.")

    prompt(page).fill(f"You are Noor {SMILE * 3}, 20, and afraid.\n" + "You wait. " * 400 + "\nYou will be graded.")
    advice.get_by_role("button", name="You will be graded.").click()

    expect(prompt(page)).to_be_focused()
    selection = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert prompt(page).evaluate(selection) == "You will be graded."
    expect(page.locator("#advice-status")).to_have_text("Advice on the caller: 1.")
    assert advice.evaluate("advice => advice.getBoundingClientRect().top") > prompt(page).evaluate(
        "field => field.getBoundingClientRect().bottom"
    )
    prompt(page).fill("You are Noor, 20, and afraid.")
    expect(advice).to_contain_text("There is none right now.")
    expect(page.locator("#advice-status")).to_have_text("No advice.")


def test_announcements_name_no_undefined_thing_in_the_admin_form(open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/scenarios/scenario/add/", SUPERVISOR)
    expect(page.locator("#sections")).to_contain_text("Choose an account")

    page.get_by_label("Prompt", exact=True).fill("You will be graded.")

    expect(page.locator("#advice-status")).to_have_text(re.compile("^Advice on the prompt: [0-9]+"))
    assert "undefined" not in str(page.locator("#advice-status").text_content())


def test_character_counter_shows_length_and_excess(open_page: Callable[..., Page]) -> None:
    page = open_page("/scenarios/new/", SUPERVISOR)
    description = page.get_by_label("What counselors read about it")

    expect(description).to_have_accessible_description("0 of 1,000 characters")
    description.fill(f"{SMILE}\n" * 501)
    expect(description).to_have_accessible_description("1,002 of 1,000 characters (2 too many)")


def test_published_scenario_is_edited_and_tried_in_one_click(open_page: Callable[..., Page]) -> None:
    page, title = open_page("/scenarios/", SUPERVISOR), f"Dormitory {uuid4().hex[:6]}"
    publish(page, title)
    page.get_by_role("link", name=title, exact=True).click()

    prompt(page).fill("You are Jules, 20, and afraid.")
    page.get_by_role("button", name="Call", exact=True).click()

    expect(page).to_have_url(re.compile("/training/voice/trial/"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.goto("/scenarios/")
    page.get_by_role("link", name=f"Try as a chat: {title}").click()
    expect(page).to_have_url(re.compile("/training/chat/trial/"))


def test_messages_stand_beside_fields_and_the_first_has_the_focus(open_page: Callable[..., Page]) -> None:
    page = open_page("/scenarios/new/", SUPERVISOR)
    page.get_by_label("Takes about (minutes)").fill("3")
    go_to(page, "Try")

    page.get_by_role("button", name="Publish", exact=True).click()

    expect(page.get_by_label("Title")).to_be_focused()
    expect(page.get_by_label("Title")).to_have_accessible_description(re.compile("This field is required."))
    expect(page.get_by_label("Takes about (minutes)")).to_have_accessible_description(
        re.compile("greater than or equal to 5")
    )
    assert accessibility_problems(page) == []


def test_keyboard_alone_writes_checks_and_picks_a_section(open_page: Callable[..., Page]) -> None:
    page = open_page("/scenarios/new/", SUPERVISOR)
    page.keyboard.type(f"Keys {uuid4().hex[:6]}")
    page.keyboard.press("Tab")
    page.keyboard.type(CALLER)
    next_step(page, "Next, what is assessed")
    page.get_by_label("In your words").focus()
    page.keyboard.type("- Asks directly about thoughts of suicide.")
    expect(page.get_by_label("Check 1", exact=True)).to_have_value("Asks directly about thoughts of suicide.")
    page.get_by_role("button", name="Add a check").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Waits after the question.")
    expect_saved(page)
    next_step(page, "Next, procedures")

    account = page.get_by_label("Account", exact=True)
    account.focus()
    page.keyboard.press("ArrowDown")
    read = page.get_by_role("link", name=re.compile("^Read 1010"))
    expect(read).to_be_visible()
    read.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#section-text h2")).to_be_focused()
    section = page.get_by_role("button", name=re.compile("^1010"))
    section.focus()
    page.keyboard.press("Space")
    expect(section).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Relevant sections")).to_have_value(re.compile("^1010 "))
    next_step(page, "Next, try it")

    expect(page.get_by_text("Something is assessed")).to_be_visible()
    page.get_by_role("link", name=re.compile("Assessed$")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You edited these checks.")).to_be_visible()


def next_step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_one_time_scenario_is_promoted_and_selected_ones_are_exported(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    title = f"After your call {uuid4().hex[:6]}"
    page = open_page("/scenarios/new/", SUPERVISOR)
    page.get_by_label("Title").fill(title)
    prompt(page).fill(CALLER)
    go_to(page, "Try")
    page.get_by_role("radio", name=re.compile("^Only those to whom you assign it")).check()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page).to_have_url(re.compile(r"/assignments/new/\?scenarios="))

    page.goto("/scenarios/")
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    page.get_by_role("link", name="One-time", exact=True).click()
    run(page, title, "Promote to the library")
    page.get_by_role("checkbox", name="I have read it, and it contains no personal details").check()
    page.get_by_role("button", name="Promote those that you have read").click()
    expect(page.get_by_text("1 scenario was promoted to the library.")).to_be_visible()
    expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()

    with page.expect_download() as download:
        run(page, CHAT, "Export as JSON")
    pack = json.loads(download.value.path().read_text())
    assert [row["title"] for row in pack["scenarios"]] == [CHAT]


def run(page: Page, title: str, action: str) -> None:
    page.get_by_role("checkbox", name=f"Select {title}").check()
    page.locator("summary", has_text="With the selected").click()
    page.get_by_role("button", name=action).click()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_accessible(open_page: Callable[..., Page], step: str) -> None:
    page = open_page("/scenarios/", SUPERVISOR)
    page.get_by_role("link", name=CHAT, exact=True).click()
    go_to(page, step)
    expect(page.locator(".steps [aria-current]")).to_have_text(step)

    assert accessibility_problems(page) == []


def test_list_is_accessible(open_page: Callable[..., Page]) -> None:
    page = open_page("/scenarios/", SUPERVISOR)

    assert accessibility_problems(page) == []
