"""The counselor's way in: welcome, login, and library by keyboard alone; lists that change while one types."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import CALLS, CHAT, PASSWORD, DemoSite


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the element has the focus."""
    expect(target).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Not reached with Tab: {target}")


def test_keyboard_alone_leads_from_the_welcome_page_to_a_caller(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Take the hard calls here first")
    tab_to(page, page.get_by_role("link", name="Log in"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Email"))
    page.keyboard.type(counselor)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    tab_to(page, page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Practice"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/training/library/")
    tab_to(page, page.get_by_role("link", name=CALLS[0], exact=True))
    page.keyboard.press("Enter")

    page.wait_for_url("**/training/voice/free/?scenario=*")
    expect(page.get_by_role("heading", level=1)).to_contain_text(CALLS[0])


def test_lists_change_while_one_types_and_keep_the_choice_in_the_address(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, my name is Sam.", "I am glad that you wrote to me tonight.")
    page = open_page("/training/library/", counselor)
    page.evaluate("window.isStillHere = true")
    page.get_by_label("Search scenarios").press_sequentially("midnight")
    expect(page.get_by_role("heading", level=3)).to_have_text([CHAT])
    expect(page.get_by_text("1 scenario matches.")).to_be_visible()
    expect(page.get_by_label("Search scenarios")).to_be_focused()
    assert page.url.endswith("/training/library/?q=midnight")
    assert page.evaluate("window.isStillHere")

    page.get_by_role("link", name="Calls").click()
    page.wait_for_url(re.compile(r"\?q=midnight&mode=phone$"))
    expect(page.get_by_role("heading", name="No scenario matches")).to_be_visible()
    page.get_by_role("link", name="Show all scenarios").click()
    page.wait_for_url(re.compile("/training/library/$"))

    page.goto("/sessions/?mode=chat")
    page.get_by_label("Words, title, or name").press_sequentially("glad that you wrote")
    page.wait_for_url(re.compile(r"/sessions/\?q=glad\+that\+you\+wrote&mode=chat$"))
    expect(page.locator(f'a[href="/sessions/{session}/"]')).to_be_visible()
    page.get_by_label("Words, title, or name").fill("nothing like it")
    expect(page.get_by_role("heading", name="No conversation matches")).to_be_visible()
