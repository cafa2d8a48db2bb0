"""Practice chats and their feedback in a real browser, with the real web server, worker, and stand-in."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo_site import CHAT, DemoSite
from tests.browser.practice_actions import (
    begin_chat,
    end_chat,
    expect_caller_answer,
    expect_evidence,
    grade_badge,
    line_patterns,
    send_message,
    transcript_lines,
)

RESPONSES_ROUTE = "POST /v1/responses"


def test_assigned_chat_streams_replies_and_is_graded(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(demo_site.practice_page(counselor, CHAT), counselor)
    begin_chat(page)
    expect(transcript_lines(page)).to_have_count(1)
    expect(transcript_lines(page).first).to_have_attribute("data-speaker", "caller")
    page.evaluate(
        """() => {
          window.shownTexts = new Set();
          const collectText = () =>
            window.shownTexts.add(document.querySelector("[role=log] ol").lastElementChild.innerText);
          new MutationObserver(collectText).observe(document.querySelector("[role=log]"), {
            subtree: true, childList: true, characterData: true });
        }"""
    )

    send_message(page, "Hello, my name is Sam. What is going on tonight?")
    expect_caller_answer(page, 3)
    pieces = page.evaluate("[...window.shownTexts].filter((text) => text.startsWith('Caller')).length")
    send_message(page, "That sounds so hard. Are you thinking about suicide?")
    expect_caller_answer(page, 5)

    session = end_chat(page)
    assert pieces > 2
    expect(grade_badge(page)).to_be_visible()
    expect_evidence(page, "suicide")
    turns = demo_site.get_json(counselor, f"/api/sessions/{session}/")["transcript"]
    assert [turn["role"] for turn in turns] == ["caller", "counselor", "caller", "counselor", "caller"]
    page.goto("/")
    expect(page.get_by_text("Nothing is assigned to you. Practice what you like.")).to_be_visible()


def test_unanswered_message_is_kept_and_sent_again(
    open_page: Callable[..., Page], demo_site_with_faults: DemoSite
) -> None:
    counselor = demo_site_with_faults.add_counselor()
    page = open_page("/training/chat/free/", counselor)
    begin_chat(page)
    expect(transcript_lines(page)).to_have_count(1)

    demo_site_with_faults.add_openai_fault(RESPONSES_ROUTE, status=503)
    send_message(page, "I am here, and I am not in a hurry.")
    expect(page.get_by_role("alert").get_by_role("button", name="Send again")).to_be_visible()
    expect(transcript_lines(page)).to_have_text(line_patterns("Caller", "You.*not in a hurry"))
    demo_site_with_faults.clear_openai_faults()
    page.get_by_role("button", name="Send again").click()

    expect_caller_answer(page, 3)
    expect(transcript_lines(page)).to_have_text(line_patterns("Caller", "You.*not in a hurry", "Caller"))
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_label("Your message")).to_have_value("")


@pytest.mark.prove
def test_empty_chat_is_not_graded_and_its_assignment_stays_open(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(demo_site.practice_page(counselor, CHAT), counselor)
    begin_chat(page)
    end_chat(page)

    feedback = page.get_by_role("region", name="Feedback")
    expect(feedback.get_by_text("Too short to grade.")).to_be_visible()
    expect(feedback.get_by_text("The assignment stays open.")).to_be_visible()
    feedback.get_by_role("link", name="Try again").click()
    page.wait_for_url("**/training/chat/*/")
    page.wait_for_load_state()
    begin_chat(page)
    page.goto("/")

    expect(page.get_by_role("link", name="Continue", exact=True)).to_have_count(1)


@pytest.mark.prove
def test_failed_greeting_does_not_block_the_chat(
    open_page: Callable[..., Page], demo_site_with_faults: DemoSite
) -> None:
    counselor = demo_site_with_faults.add_counselor()
    demo_site_with_faults.add_openai_fault(RESPONSES_ROUTE, status=400)
    page = open_page("/training/chat/free/", counselor)
    begin_chat(page)
    expect(transcript_lines(page)).to_have_text(line_patterns("Caller.*is somebody there"))

    demo_site_with_faults.clear_openai_faults()
    send_message(page, "Hello, my name is Sam.")

    expect(transcript_lines(page)).to_have_text(line_patterns("Caller", "You.*Sam", "Caller"))


@pytest.mark.prove
def test_failed_feedback_is_requested_again_from_history(
    open_page: Callable[..., Page], demo_site_with_faults: DemoSite
) -> None:
    counselor = demo_site_with_faults.add_counselor()
    session = demo_site_with_faults.take_chat(counselor, "Hello, what is going on tonight?", grading_fails=True)
    page = open_page(f"/sessions/{session}/", counselor)
    expect(page.get_by_text("We couldn’t prepare your feedback.")).to_be_visible()
    demo_site_with_faults.clear_openai_faults()

    page.goto("/sessions/")
    expect(page.get_by_text("Grading failed")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Try again")).click()

    page.wait_for_url(f"**/sessions/{session}/")
    expect(grade_badge(page)).to_be_visible()
    page.goto("/sessions/")
    expect(page.get_by_role("button", name=re.compile("^(Try again|Get feedback)"))).to_have_count(0)


@pytest.mark.prove
def test_chat_continues_after_a_reload(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/training/chat/free/", counselor)
    begin_chat(page)
    send_message(page, "Hello, my name is Sam.")
    expect_caller_answer(page, 3)

    page.reload()
    page.get_by_role("button", name="Continue the chat").click()

    expect(transcript_lines(page)).to_have_text(line_patterns("Caller", "You.*Sam", "Caller"))
    end_chat(page)
    expect(grade_badge(page)).to_be_visible()
