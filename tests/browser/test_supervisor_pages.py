"""Pages of supervisors: assigning, the table of sessions, live conversations, and handling several rows at once."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import CHAT, DemoSite

SUPERVISOR = "supervisor@example.org"


class CountedClicks:
    """Clicks, counted."""

    def __init__(self) -> None:
        self.count = 0

    def click(self, target: Locator) -> None:
        self.count += 1
        target.click()


def check_found(page: Page, label: str, text: str, name: re.Pattern[str]) -> None:
    """Search in a picker and check the box with this name."""
    page.get_by_label(label).fill("")
    page.get_by_label(label).press_sequentially(text)
    page.get_by_role("checkbox", name=name).check()


def begin_chat_over_api(demo_site: DemoSite, counselor: str) -> str:
    """Begin a free-practice chat and return its id."""
    return str(demo_site.post_json(counselor, "/api/sessions/", type="free_practice", mode="chat")["id"])


def test_supervisor_assigns_to_three_people_in_six_clicks(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    title = f"The night bus {uuid4().hex[:6]}"
    demo_site.post_json(SUPERVISOR, "/api/scenarios/", title=title, prompt="You are Dana, on a bus.", mode="chat")
    for _ in range(2):
        demo_site.add_counselor()
    page, clicks = open_page("/", SUPERVISOR), CountedClicks()

    clicks.click(page.get_by_role("link", name="Assign practice"))
    people = page.locator("#found-counselors").get_by_role("checkbox")
    for number in range(3):
        clicks.click(people.nth(number))
    expect(page.locator("[data-count=counselors]")).to_have_text("3")
    clicks.click(page.get_by_role("checkbox", name=re.compile(title)))
    clicks.click(page.get_by_role("button", name="Assign", exact=True))

    expect(page.get_by_text("3 assignments were created.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(title))).to_have_count(3)
    assert clicks.count == 6


def test_supervisor_assigns_practice_with_the_search_fields(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor, other = demo_site.add_counselor(), demo_site.add_counselor()
    page = open_page("/assignments/new/", SUPERVISOR)
    check_found(page, "Find a counselor", counselor[:12], re.compile(counselor))
    page.get_by_label("Find a counselor").fill(other[:12])
    expect(page.get_by_role("checkbox", name=re.compile(other))).to_be_visible()
    expect(page.locator("[data-chosen] input[name=counselors]:checked")).to_have_count(1)  # kept through the search
    check_found(page, "Find a scenario", "midnight", re.compile(CHAT))
    page.get_by_role("button", name="In a week").click()
    expect(page.get_by_role("button", name="In a week")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Due date")).not_to_have_value("")
    page.get_by_role("button", name="No due date").click()
    page.locator("summary", has_text="Pass mark, attempts, and recording").click()
    page.get_by_label("Pass mark").fill("100")
    page.get_by_label("Attempts").fill("1")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_text("1 assignment was created.")).to_be_visible()

    [assignment] = demo_site.get_json(counselor, "/api/assignments/")["results"]
    assert (assignment["pass_mark"], assignment["attempts_allowed"], assignment["due_date"]) == (100, 1, None)

    page.goto("/assignments/new/")
    check_found(page, "Find a counselor", counselor[:12], re.compile(counselor))
    check_found(page, "Find a scenario", "midnight", re.compile(CHAT))
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("heading", name="Already open (1)")).to_be_visible()


def test_table_of_sessions_filters_at_once_and_by_keyboard(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    live, over = begin_chat_over_api(demo_site, counselor), demo_site.take_chat(counselor, "Hello, I am Sam.")
    page = open_page("/sessions/", SUPERVISOR)
    page.evaluate("window.isSamePage = true")
    rows = page.locator("#session-list tbody tr")
    field = page.get_by_label("Counselor", exact=True)
    field.focus()

    page.keyboard.type(counselor)
    expect(rows).to_have_count(2)
    expect(field).to_be_focused()
    assert "person=new-" in page.url
    assert page.evaluate("window.isSamePage") is True

    page.get_by_role("link", name="Live now", exact=True).and_(page.locator(".chip-filter")).focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(page.locator(f'a[href="/sessions/{live}/"]')).to_be_visible()
    expect(page.locator(f'a[href="/sessions/{over}/"]')).to_have_count(0)
    assert "status=live" in page.url and "person=new-" in page.url
    expect(page.get_by_label("Counselor", exact=True)).to_have_value(counselor)


def test_live_tile_leads_to_a_list_that_stays_current(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = begin_chat_over_api(demo_site, counselor)
    page = open_page("/", SUPERVISOR)
    page.locator(".tile", has_text="Live now").click()
    expect(page.get_by_role("link", name=counselor, exact=True)).to_be_visible()

    demo_site.post_json(counselor, f"/api/sessions/{session}/end/")

    expect(page.get_by_role("link", name=counselor, exact=True)).to_have_count(0)


@pytest.mark.prove
def test_supervisor_monitors_and_ends_a_chat(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = begin_chat_over_api(demo_site, counselor)
    demo_site.post_json(counselor, f"/api/sessions/{session}/messages/", content="Good evening, you have reached us.")
    watcher = open_page("/live/", SUPERVISOR)
    watcher.get_by_role("link", name=counselor, exact=True).click()
    expect(watcher.get_by_text("Good evening, you have reached us.")).to_be_visible()

    watcher.goto("/live/")
    watcher.get_by_role("button", name=re.compile(f"^End ?: {counselor}$")).click()
    expect(watcher.get_by_role("heading", name=f"End this session for {counselor}?")).to_be_visible()
    watcher.get_by_role("button", name="End this session").click()
    expect(watcher.get_by_text("Session ended. The conversation so far is saved and will be graded.")).to_be_visible()


def test_chosen_assignments_change_together(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(f"/assignments/?q={counselor}", SUPERVISOR)
    bar = page.locator("[data-for-chosen]")
    expect(bar).to_be_hidden()
    page.get_by_label("Choose all on this page").check()
    expect(bar).to_contain_text("1 chosen")
    page.get_by_label("New due date").fill("2032-02-01")
    page.get_by_role("button", name="Change due date").click()
    expect(page.get_by_text("1 assignment was changed.")).to_be_visible()
    expect(page.get_by_text("Feb 1, 2032")).to_be_visible()

    page.get_by_role("checkbox", name=re.compile(f"^Choose {CHAT}")).check()
    page.get_by_role("button", name="Cancel assignments").click()
    expect(page.get_by_role("heading", name="Cancel 1 assignment?")).to_be_visible()
    page.get_by_role("button", name="Cancel assignments").click()
    expect(page.locator("#assignment-list").get_by_text("Canceled")).to_be_visible()


@pytest.mark.prove
def test_reported_flag_is_reviewed_alone_and_with_others(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, what is going on?")
    texts = [f"It stood still {number} times for {counselor}." for number in (1, 2, 3)]
    for text in texts:
        demo_site.post_json(counselor, f"/api/sessions/{session}/report/", kind="technical", text=text)
    queue = open_page("/flags/", SUPERVISOR)
    alone, second, third = (queue.locator(".flag", has_text=text) for text in texts)

    alone.locator("summary").click()
    alone.get_by_label("Note").fill("A slow network.")
    alone.get_by_role("button", name="Mark as reviewed").click()
    expect(queue.get_by_text("Flag marked as reviewed.")).to_be_visible()
    expect(alone).to_have_count(0)

    for item in (second, third):
        item.get_by_role("checkbox").check()
    expect(queue.locator("[data-for-chosen]")).to_contain_text("2 chosen")
    queue.locator("[data-for-chosen]").get_by_role("button", name="Dismiss").click()
    expect(queue.get_by_text("2 flags were handled.")).to_be_visible()
    expect(second.or_(third)).to_have_count(0)
