"""Main journey of each role: assignment, practice, stopping early, dispute, and supervision."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo_site import CHAT, DemoSite
from tests.browser.practice_actions import (
    begin_chat,
    end_chat,
    expect_caller_answer,
    grade_badge,
    line_patterns,
    open_tab,
    send_message,
    transcript_lines,
    wait_for_session_id,
)

SUPERVISOR, EVALUATOR = "supervisor@example.org", "evaluator@example.org"


def test_supervisor_assigns_practice_with_the_search_fields(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/assignments/new/", SUPERVISOR)
    page.get_by_label("Find a counselor").press_sequentially(counselor[:10])
    page.get_by_role("checkbox", name=re.compile(counselor)).check()
    expect(page.locator("[data-chosen] input[name=counselors]")).to_have_count(1)
    page.get_by_label("Find a scenario").press_sequentially("midnight")
    page.get_by_role("checkbox", name=re.compile(CHAT)).check()
    page.get_by_label("Pass mark").fill("100")
    page.get_by_label("Attempts").fill("1")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_text("1 assignment was created.")).to_be_visible()

    counselor_page = open_page("/", counselor)
    expect(counselor_page.get_by_text("Score at least 100 out of 100 to pass. You have 1 attempt.")).to_be_visible()
    expect(counselor_page.get_by_text("Content note: Thoughts of suicide of a young person")).to_be_visible()

    page.goto("/assignments/new/")
    page.get_by_label("Find a counselor").press_sequentially(counselor[:10])
    page.get_by_role("checkbox", name=re.compile(counselor)).check()
    page.get_by_label("Find a scenario").press_sequentially("midnight")
    page.get_by_role("checkbox", name=re.compile(CHAT)).check()
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("heading", name="Already open (1)")).to_be_visible()


@pytest.mark.prove
def test_counselor_skips_an_assignment_and_stops_a_chat(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(demo_site.practice_page(counselor, CHAT), counselor)
    page.get_by_role("button", name="Skip this one").click()
    expect(page.get_by_text("Skipped. It won’t count against you")).to_be_visible()
    expect(page.get_by_text("You have no assignments right now.")).to_be_visible()

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
    expect(page.get_by_role("img", name=re.compile("^Score. "))).to_be_visible()
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


@pytest.mark.prove
def test_report_is_flagged_and_reviewed(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, what is going on?")
    page = open_page(f"/sessions/{session}/", counselor)
    page.locator("summary", has_text="Report a problem").click()
    page.get_by_label("Something didn’t work").check()
    page.get_by_label("What happened?").fill(f"It stood still for {counselor}.")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("Thank you for your report. A supervisor will look into it.")).to_be_visible()

    queue = open_page("/flags/", SUPERVISOR)
    item = queue.locator(".items > li", has_text=f"It stood still for {counselor}.")
    item.locator("summary").click()
    item.get_by_label("Note").fill("A slow network.")
    item.get_by_role("button", name="Mark as reviewed").click()
    expect(queue.get_by_text("Flag marked as reviewed.")).to_be_visible()
    expect(item).to_have_count(0)


@pytest.mark.prove
def test_supervisor_monitors_and_ends_a_chat(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/training/chat/free/", counselor)
    begin_chat(page)
    watcher = open_page("/live/", SUPERVISOR)
    watcher.get_by_role("link", name=counselor).click()
    send_message(page, "Good evening, you have reached us.")
    expect(watcher.get_by_text("Good evening, you have reached us.")).to_be_visible()
    expect_caller_answer(page, 3)

    watcher.locator("summary", has_text="End this session for").click()
    watcher.get_by_role("button", name="End this chat").click()
    expect(watcher.get_by_text("Session ended. The conversation so far is saved and will be graded.")).to_be_visible()


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
