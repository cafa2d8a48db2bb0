"""A counselor's first visit with its warm-up call in a real browser, with the real gateway and stand-in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import FAKE_MICROPHONE
from tests.browser.demo_site import DemoSite
from tests.browser.practice_actions import start_typing, transcript_lines, type_line


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return FAKE_MICROPHONE


def test_first_visit_leads_through_the_warm_up_call(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/", counselor, permissions=["microphone"])
    expect(page.get_by_role("img", name="0 of 3 steps done")).to_be_visible()
    page.get_by_role("link", name="Check your sound").click()
    page.wait_for_url("**/training/voice/warm-up/")
    expect(page.get_by_role("checkbox", name="Record")).to_have_count(0)
    page.get_by_role("button", name="Check the sound").click()
    expect(page.get_by_text("We can hear you.")).to_be_visible()  # Chromium's fake microphone beeps
    start_typing(page)
    expect(transcript_lines(page, speaker="caller").first).to_contain_text("this is Theo")
    expect(page.get_by_text("Recording", exact=True)).to_be_hidden()
    type_line(page, "You sound fine.")
    page.locator("summary.dock-end").click()
    page.get_by_role("button", name="End the call").click()
    page.get_by_role("button", name="End now").click()

    page.wait_for_url(f"{demo_site.url}/")
    expect(page.get_by_text("That was the warm-up call.")).to_be_visible()
    expect(page.get_by_role("img", name="2 of 3 steps done")).to_be_visible()
    page.get_by_role("link", name="Read", exact=True).click()
    expect(page.get_by_role("heading", name="How feedback works")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Before your first call")).to_have_count(0)
    expect(page.get_by_text("Warm-up call", exact=True)).to_have_count(0)
    assert demo_site.get_json(counselor, "/api/sessions/")["results"] == []
