"""Main journey of each role: assignment, practice, stopping early, dispute, and supervision."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo_site import CHAT, DemoSite
from tests.browser.practice_actions import (
    begin_chat,
    end_chat,
    grade_badge,
    line_patterns,
    open_tab,
    transcript_lines,
    wait_for_session_id,
)

SUPERVISOR, EVALUATOR = "supervisor@example.org", "evaluator@example.org"


@pytest.mark.prove
def test_counselor_skips_an_assignment_and_stops_a_chat(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(demo_site.practice_page(counselor, CHAT), counselor)
    page.get_by_role("button", name="Skip this one").click()
    expect(page.get_by_text("Skipped. It won’t count against you")).to_be_visible()
    expect(page.get_by_text("Nothing is assigned to you. Practice what you like.")).to_be_visible()

    page.goto("/training/chat/free/")
    begin_chat(page)
    end_chat(page, "Stop without a grade")

    expect(page.get_by_text("It’s always OK to stop.")).to_be_visible()
    expect(page.get_by_text("Ruth Lindqvist, supervisor on duty: extension 12")).to_be_visible()
    page.get_by_label("Very hard").check()
    page.get_by_role("button", name="Save answer").click()
    expect(page.get_by_text("Your answer: Very hard")).to_be_visible()


def test_counselor_checks_progress_and_disputes_a_verdict(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, my name is Sam.", "That sounds hard. Are you thinking of suicide?")
    page = open_page("/progress/", counselor)
    expect(page.get_by_role("img", name=re.compile("^Score. "))).to_have_count(0)  # a plot needs five weeks
    page.locator("summary", has_text="Show as table: Score").click()
    expect(page.get_by_role("region", name="Score by week").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Evidence for Detecting and assessing risk").click()
    expect(page.get_by_role("heading", name="Detecting and assessing risk")).to_be_visible()
    page.get_by_role("link", name=re.compile("^See why")).first.click()
    page.wait_for_url(f"**/sessions/{session}/checks/#criterion-*")

    page.locator("summary", has_text="I disagree").locator("visible=true").first.click()
    page.get_by_label("Why do you disagree?").locator("visible=true").fill("I did that, in my own words.")
    page.get_by_role("button", name="Ask for a human review").locator("visible=true").click()
    expect(page.get_by_text("A person will review this verdict.")).to_be_visible()

    attention_page = open_page("/attention/", SUPERVISOR)
    disputes = attention_page.get_by_role("region", name=re.compile("^Disputes"))
    expect(disputes.get_by_text("I did that, in my own words.")).to_be_visible()
    reviewer = open_page("/feedback/?state=disputed", EVALUATOR)
    reviewer.locator(f'a[href*="{session}"]').first.click()
    open_tab(reviewer, "Checks")
    item = reviewer.locator("[data-check]", has_text="I did that, in my own words.")
    if item.get_attribute("open") is None:
        item.locator("summary").first.click()
    item.get_by_label("Reason").fill("Yes, that is what it asks for.")
    item.get_by_role("button", name="Agree").click()
    expect(reviewer.get_by_text("Yes, that is what it asks for.")).to_be_visible()
    attention_page.reload()
    expect(attention_page.get_by_text("I did that, in my own words.")).to_have_count(0)


def test_chat_works_without_scripts(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    page = open_page("/training/chat/free/", demo_site.add_counselor(), java_script_enabled=False)
    page.get_by_role("button", name="Start the chat").locator("visible=true").click()
    expect(transcript_lines(page)).to_have_text(line_patterns("Caller"))
    page.get_by_label("Your message").locator("visible=true").fill("Hello, my name is Sam. What happened?")
    page.get_by_role("button", name="Send and wait for the reply").click()
    expect(transcript_lines(page)).to_have_text(line_patterns("Caller", "You.*my name is Sam", "Caller"))
    page.get_by_role("button", name="End and get feedback").click()
    wait_for_session_id(page)
    for _ in range(20):
        if grade_badge(page).count():
            break
        page.get_by_role("link", name="Refresh").click()

    expect(grade_badge(page)).to_be_visible()
