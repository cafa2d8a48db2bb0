"""The chat page in a real browser, with an API simulated by the test."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.practice_fakes import (
    DRAFT,
    FakeSessionApi,
    find_serious_axe_violations,
    render,
    stream,
    transcript_items,
    turn,
    wait_until,
)
from tests.browser.static_site import StaticSite


def test_trial_chat_starts_the_draft(open_chat: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_chat(**DRAFT)

    page.get_by_role("button", name="Start the chat").click()

    expect(page.get_by_text("They’re typing their first message…")).to_be_visible()
    assert api.requests[0] == ("POST ", {"type": "trial", "scenario_id": DRAFT["scenario_id"], "mode": "chat"})


@pytest.mark.prove
def test_open_trial_can_be_ended_and_restarted(
    open_chat: Callable[..., Page], api: FakeSessionApi, site: StaticSite
) -> None:
    page = open_chat(**DRAFT, live_session_id="7")
    site.pages["/chat/"] = render("training/chat.html", mode="chat", **DRAFT)

    page.get_by_role("button", name="Start over without a grade").click()

    expect(page.get_by_role("button", name="Start the chat")).to_be_visible()
    assert (api.count("POST 7/stop/"), api.count("POST 7/end/")) == (1, 0)


MINE = turn("m", "counselor", "I am here.", "g", revision=2)
THEIRS = turn("r", "caller", "ok. good.", "m", revision=3)


def test_chat_waits_for_its_first_message(open_chat: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_chat()
    page.get_by_role("button", name="Start the chat").click()
    expect(page.get_by_text("They’re typing their first message…")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()

    api.session |= {"greeting": "ready", "transcript": [turn("g", "caller", "hi")]}

    expect(transcript_items(page)).to_have_count(1)
    expect(page.get_by_label("Your message")).to_be_focused()


def test_chat_reply_is_streamed_into_the_transcript(chat: Page, api: FakeSessionApi) -> None:
    events = [("turn", MINE), ("delta", {"text": "ok. "}), ("delta", {"text": "good."}), ("turn", THEIRS)]
    api.answer_next("POST 7/messages/", 200, stream(*events))
    chat.get_by_label("Your message").fill("I am here.")
    chat.keyboard.press("Enter")

    expect(transcript_items(chat)).to_have_text(
        [re.compile("hi"), re.compile("You.*I am here.", re.S), re.compile("ok. good.")]
    )
    expect(chat.get_by_label("Your message")).to_have_value("")
    assert api.requests[-1] == ("POST 7/messages/", {"content": "I am here."})


def test_shift_enter_starts_a_new_line_and_long_messages_are_not_sent(chat: Page, api: FakeSessionApi) -> None:
    box = chat.get_by_label("Your message")
    box.fill("one")
    box.press("Shift+Enter")
    expect(box).to_have_value("one\n")

    box.fill("x" * 10_001)
    box.press("Enter")

    expect(chat.get_by_text("1 character too many")).to_be_visible()
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()
    assert api.count("POST 7/messages/") == 0


def test_undelivered_message_returns_to_the_input(chat: Page, api: FakeSessionApi) -> None:
    api.answer_next("POST 7/messages/", 503, {})
    chat.get_by_label("Your message").fill("I am here.")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("alert")).to_be_visible()
    expect(chat.get_by_label("Your message")).to_have_value("I am here.")
    expect(transcript_items(chat)).to_have_count(1)

    api.answer_next("POST 7/messages/", 200, stream(("turn", MINE), ("turn", THEIRS)))
    chat.get_by_role("button", name="Send again").click()

    expect(transcript_items(chat)).to_have_count(3)
    expect(chat.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("broken", [[("error", {"detail": "The caller did not answer.", "code": "x"})], []])
def test_message_without_a_reply_stays_and_can_be_sent_again(
    chat: Page, api: FakeSessionApi, broken: list[Any]
) -> None:
    api.answer_next("POST 7/messages/", 200, stream(("turn", MINE), ("delta", {"text": "o"}), *broken))
    api.session["transcript"] = [turn("g", "caller", "hi"), MINE]
    chat.get_by_label("Your message").fill("I am here.")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("alert")).to_be_visible()
    expect(transcript_items(chat)).to_have_count(2)
    expect(chat.get_by_label("Your message")).to_have_value("")

    api.answer_next("POST 7/messages/", 200, stream(("turn", MINE), ("turn", THEIRS)))
    chat.get_by_role("button", name="Send again").click()

    expect(transcript_items(chat)).to_have_count(3)
    assert [body for request, body in api.requests if request == "POST 7/messages/"] == [{"content": "I am here."}] * 2


def test_message_to_an_ended_chat_shows_the_end(chat: Page, api: FakeSessionApi) -> None:
    api.answer_next("POST 7/messages/", 409, {"detail": "This session is over.", "code": "session_over"})
    chat.get_by_label("Your message").fill("Are you")
    chat.keyboard.press("Enter")

    expect(chat.get_by_role("heading", name="The chat has ended")).to_be_focused()
    expect(chat.get_by_text("Your message was not sent")).to_contain_text("Are you")
    expect(chat.get_by_role("link", name="View the chat and its feedback")).to_have_attribute("href", "/sessions/7/")


def choose_end(page: Page, choice: str) -> None:
    page.locator("summary", has_text="End").locator("visible=true").click()
    page.get_by_role("button", name=choice).click()


@pytest.mark.parametrize(("choice", "verb"), [("End the chat", "end"), ("Stop without a grade", "stop")])
def test_ended_chat_opens_its_session_page(chat: Page, api: FakeSessionApi, choice: str, verb: str) -> None:
    choose_end(chat, choice)
    expect(chat.get_by_label("Your message")).to_be_disabled()
    assert api.count(f"POST 7/{verb}/") == 0
    chat.get_by_role("button", name="End now").click()

    chat.wait_for_url("**/sessions/7/")
    assert (api.count("POST 7/end/"), api.count("POST 7/stop/")) == ((1, 0) if verb == "end" else (0, 1))


def test_end_can_be_undone_until_its_seconds_are_over(chat: Page, api: FakeSessionApi) -> None:
    chat.get_by_label("Your message").fill("Wait, I")
    choose_end(chat, "Stop without a grade")
    expect(chat.get_by_text("You are stopping without a grade.")).to_be_visible()
    expect(chat.locator("[data-ending-seconds]")).to_have_text("10")
    expect(chat.get_by_role("button", name="Undo")).to_be_focused()
    chat.get_by_role("button", name="Undo").click()
    expect(chat.get_by_label("Your message")).to_be_focused()
    expect(chat.get_by_label("Your message")).to_have_value("Wait, I")
    assert api.count("POST 7/stop/") == 0

    chat.locator("[data-ending]").evaluate("box => { box.dataset.ending = '1'; }")
    choose_end(chat, "Stop without a grade")

    chat.wait_for_url("**/sessions/7/")
    assert (api.count("POST 7/stop/"), api.count("POST 7/end/")) == (1, 0)


def test_closing_the_page_ends_a_chat_that_is_ending(chat: Page, api: FakeSessionApi) -> None:
    choose_end(chat, "Stop without a grade")

    chat.evaluate("window.dispatchEvent(new Event('pagehide'))")

    wait_until(chat, lambda: api.count("POST 7/stop/") == 1)


def test_leaving_the_chat_asks_first(chat: Page) -> None:
    def asks() -> bool:
        asked: bool = chat.evaluate("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")
        return asked

    assert asks()
    choose_end(chat, "End the chat")
    assert not asks()


def test_chat_on_a_phone_scrolls_only_its_messages(page: Page, api: FakeSessionApi, request: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 500})  # what an on-screen keyboard leaves
    turns = [turn(f"i{n}", "caller", f"Line {n}", f"i{n - 1}" if n else None) for n in range(30)]
    api.session |= {"greeting": "ready", "transcript": turns}
    chat = request.getfixturevalue("open_chat")()
    chat.get_by_role("button", name="Start the chat").click()
    expect(transcript_items(chat)).to_have_count(30)
    chat.get_by_label("Your message").fill("a long message\n" * 20)

    expect(chat.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    expect(chat.locator("summary", has_text="End")).to_be_in_viewport(ratio=1)
    expect(transcript_items(chat).last).to_be_in_viewport(ratio=1)
    assert chat.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [390, 500]


def test_unfinished_chat_continues(open_chat: Callable[..., Page], api: FakeSessionApi) -> None:
    api.session |= {"greeting": "ready", "transcript": [turn("g", "caller", "hi"), MINE, THEIRS]}
    page = open_chat(live_session_id="7")

    page.get_by_role("button", name="Continue the chat").click()

    expect(transcript_items(page)).to_have_count(3)
    assert api.count("POST ") == 0


@pytest.mark.prove
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chat_page_has_no_serious_axe_violations(request: pytest.FixtureRequest, page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    request.getfixturevalue("chat")

    assert find_serious_axe_violations(page) == []
