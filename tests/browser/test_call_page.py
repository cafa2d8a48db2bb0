"""The call page in a real browser, with an API and a gateway simulated by the test."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import fail_microphone
from tests.browser.practice_fakes import (
    DRAFT,
    FakeGateway,
    FakeSessionApi,
    hang_up,
    practice_panel,
    transcript_items,
    wait_until,
)


def test_call_page_describes_the_call_before_any_request(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_call(
        require_recording=True, content_notes="Loss of a job", skills=["Opening", "Listening"], account_name="Harbor"
    )

    expect(page.get_by_role("heading", name="A student who cannot sleep")).to_be_visible()
    expect(page.get_by_text("This assignment requires a recording.")).to_be_visible()
    for fact in ("Content note: Loss of a job", "Opening, Listening", "Harbor", "12 minutes"):
        expect(page.get_by_text(fact)).to_be_visible()
    expect(page.get_by_label("What would you like to practice?")).to_have_count(0)
    expect(page.locator(".dock")).to_be_hidden()
    expect(page.get_by_role("button", name="Type", exact=True)).to_be_visible()
    assert api.requests == []


@pytest.mark.prove
def test_microphone_check_detects_sound_and_lists_devices(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.get_by_role("button", name="Check the sound").click()

    expect(page.get_by_text("We can hear you.")).to_be_visible()  # Chromium's fake microphone beeps
    expect(page.get_by_label("Microphone", exact=True).locator("option")).not_to_have_count(0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotAllowedError", "This page can’t use your microphone."),
        ("NotFoundError", "No microphone was found."),
        ("NotReadableError", "Your microphone isn’t responding."),
    ],
)
def test_call_page_without_a_microphone_explains_why_and_allows_typing(
    open_call: Callable[..., Page], gateway: FakeGateway, page: Page, error: str, words: str
) -> None:
    open_call()
    fail_microphone(page, error)

    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    page.get_by_role("button", name="Type instead").locator("visible=true").click()
    page.get_by_role("button", name="Start the call").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    page.get_by_label("Type instead of speaking").fill("Good evening, you are not alone.")
    page.keyboard.press("Enter")

    wait_until(
        page, lambda: gateway.messages_of_type("say") == [{"type": "say", "text": "Good evening, you are not alone."}]
    )
    expect(page.get_by_label("Type instead of speaking")).to_have_value("")
    assert gateway.frames == []


def test_call_sends_microphone_audio_and_shows_turns_in_spoken_order(call: Page, gateway: FakeGateway) -> None:
    gateway.turn("b", "caller", "Hello? I did not", after="a", final=False)
    gateway.turn("a", "counselor", "Crisis line, good evening.")
    gateway.turn("b", "caller", "Hello? I did not think anyone would answer.", after="a", revision=2)

    expect(transcript_items(call)).to_have_text(
        [re.compile("You.*Crisis line", re.S), re.compile("Caller.*anyone would answer", re.S)]
    )
    expect(call.get_by_text("Say your greeting")).to_be_hidden()
    wait_until(call, lambda: len(gateway.frames) >= 5)
    assert gateway.messages[0] == {"type": "hello", "last_revision": 0}
    assert [size for _, size in gateway.frames[:5]] == [8 + 1920] * 5
    indexes = [index for index, _ in gateway.frames]
    assert [b - a for a, b in zip(indexes, indexes[1:], strict=False)] == [960] * (len(indexes) - 1)


def test_call_reports_playback_and_answers_a_flush(call: Page, gateway: FakeGateway) -> None:
    gateway.send_audio(1, 12000)
    wait_until(call, lambda: any(report["final"] for report in gateway.messages_of_type("played")))
    gateway.send_audio(2, 48000)
    wait_until(call, lambda: gateway.messages_of_type("played")[-1]["item"] == 2)
    gateway.send(type="pause")
    gateway.send(type="flush", item=2)
    wait_until(call, lambda: sum(report["final"] for report in gateway.messages_of_type("played")) == 2)

    whole, cut = [report for report in gateway.messages_of_type("played") if report["final"]]
    assert (whole["item"], whole["samples"]) == (1, 12000)
    assert (cut["item"], 0 < cut["samples"] < 48000) == (2, True)
    assert cut["at_mic_sample"] > whole["at_mic_sample"]


def test_mute_works_by_button_and_key_but_not_while_typing(call: Page, gateway: FakeGateway) -> None:
    call.get_by_role("button", name="Mute").click()
    expect(call.get_by_text("You’re muted")).to_be_visible()
    call.get_by_role("button", name="Type", exact=True).click()
    call.get_by_label("Type instead of speaking").press("m")
    call.get_by_role("log").press("m")

    wait_until(call, lambda: len(gateway.messages_of_type("mute")) == 2)
    assert [message["on"] for message in gateway.messages_of_type("mute")] == [True, False]
    expect(call.get_by_label("Type instead of speaking")).to_have_value("m")


def test_ended_call_opens_its_session_page(call: Page, api: FakeSessionApi) -> None:
    hang_up(call)

    call.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 0


def test_notices_disappear_when_they_no_longer_apply(call: Page, gateway: FakeGateway) -> None:
    gateway.send(type="notice", code="idle_warning")
    expect(call.get_by_text("Nobody has spoken for a while.")).to_be_visible()
    gateway.turn("a", "counselor", "I am here.")
    expect(call.get_by_text("Nobody has spoken for a while.")).to_be_hidden()
    gateway.send(type="notice", code="caller_reconnecting")
    expect(call.get_by_text("Caller reconnecting…")).to_be_visible()
    gateway.send(type="notice", code="caller_back")
    expect(call.get_by_text("The caller is back on the line.")).to_be_visible()
    expect(call.get_by_text("The caller is back on the line.")).to_be_hidden()


def test_call_ended_by_the_gateway_keeps_the_page(call: Page, gateway: FakeGateway) -> None:
    gateway.send(type="ended", reason="idle")

    expect(call.get_by_text("because nobody spoke for a long time")).to_be_visible()
    expect(call.get_by_role("heading", name="The call has ended")).to_be_focused()
    assert call.url.endswith("/call/")


def test_free_practice_sends_its_focus(
    open_call: Callable[..., Page], api: FakeSessionApi, gateway: FakeGateway
) -> None:
    page = open_call(kind="free_practice", assignment_id=None)
    page.get_by_label("What would you like to practice?").fill("A caller who jokes")
    page.get_by_label("Record this call").uncheck()

    page.get_by_role("button", name="Start the call").click()

    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    assert api.requests[0] == ("POST ", {"type": "free_practice", "mode": "phone", "focus": "A caller who jokes"})
    assert "record" not in gateway.lines[0].url


@pytest.mark.prove
def test_trial_call_is_labeled_and_starts_the_draft(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_call(**DRAFT)
    expect(page.get_by_text("This is a trial of a draft.")).to_be_visible()
    expect(page.get_by_role("link", name="Back to the scenario")).to_have_attribute("href", DRAFT["scenario_url"])
    expect(page.get_by_label("What would you like to practice?")).to_have_count(0)

    page.get_by_role("button", name="Start the call").click()

    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    assert api.requests[0] == ("POST ", {"type": "trial", "scenario_id": DRAFT["scenario_id"], "mode": "phone"})


def test_closed_assignment_offers_no_start(open_call: Callable[..., Page]) -> None:
    page = open_call(is_open=False)

    expect(page.get_by_text("This assignment is closed")).to_be_visible()
    expect(page.get_by_role("button", name="Start the call")).to_have_count(0)
    page.get_by_role("button", name="Type", exact=True).click()
    expect(page.get_by_text("Your microphone stays off.")).to_be_visible()


def test_transcript_keeps_the_readers_scroll_position(call: Page, gateway: FakeGateway) -> None:
    for number in range(40):
        gateway.turn(f"i{number}", "caller", f"Line {number}", after=f"i{number - 1}" if number else None)
    expect(transcript_items(call)).to_have_count(40)
    box = call.get_by_role("log")
    assert box.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2
    box.evaluate("log => { log.scrollTop = 100; }")
    call.wait_for_function("new Promise(requestAnimationFrame)")

    gateway.turn("last", "caller", "One more", after="i39")
    expect(transcript_items(call)).to_have_count(41)

    assert box.evaluate("log => log.scrollTop") == 100
    call.get_by_role("button", name="New lines below").click()
    assert box.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2


@pytest.mark.prove
def test_transcript_stays_at_its_end_when_the_window_shrinks(call: Page, gateway: FakeGateway) -> None:
    for number in range(20):
        gateway.turn(f"i{number}", "caller", f"Line {number}", after=f"i{number - 1}" if number else None)
    expect(transcript_items(call)).to_have_count(20)

    call.set_viewport_size({"width": 400, "height": 600})
    call.wait_for_function("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert call.get_by_role("log").evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2
    expect(call.get_by_role("button", name="New lines below")).to_be_hidden()
