"""Lost, resumed, and conflicting calls in a real browser, with an API and a gateway simulated by the test."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.practice_fakes import (
    FakeGateway,
    FakeSessionApi,
    hang_up,
    practice_panel,
    transcript_items,
    turn,
    wait_until,
)


def test_hang_up_without_a_connection_ends_the_call_over_the_api(
    call: Page, api: FakeSessionApi, gateway: FakeGateway
) -> None:
    gateway.is_answering = False
    hang_up(call)
    wait_until(call, lambda: bool(gateway.messages_of_type("hang_up")))
    gateway.lines[-1].close(code=1011)

    call.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 1


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 4008])
def test_broken_connection_is_restored_with_the_transcript(
    call: Page, api: FakeSessionApi, gateway: FakeGateway, code: int
) -> None:
    gateway.turn("a", "counselor", "Crisis line, good evening.", revision=6)
    expect(transcript_items(call)).to_have_count(1)
    gateway.send(type="ended", reason="line_lost" if code == 4008 else "shutdown")
    gateway.lines[-1].close(code=code)

    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(practice_panel(call)).to_have_attribute("data-phase", "talking")
    expect(transcript_items(call)).to_have_count(1)
    assert gateway.messages_of_type("hello")[-1] == {"type": "hello", "last_revision": 6}
    assert api.bodies("POST 7/ticket/") == [{}, {"held": 1}]


def test_reconnection_is_retried_while_the_gateway_is_unavailable(
    call: Page, api: FakeSessionApi, gateway: FakeGateway
) -> None:
    for _ in range(2):
        api.answer_next("POST 7/ticket/", 503, {"detail": "Not now."})
    call.get_by_role("button", name="Type", exact=True).click()
    gateway.lines[-1].close(code=1006)

    expect(call.get_by_text("Reconnecting…")).to_be_visible()
    expect(call.get_by_label("Type instead of speaking")).to_be_focused()
    expect(call.get_by_text("Until then, nobody can hear you.")).to_be_visible()
    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(call.get_by_text("The caller is listening")).to_be_visible()
    assert api.bodies("POST 7/ticket/")[1:] == [{"held": 1}] * 3


def test_hang_up_works_while_reconnecting(call: Page, api: FakeSessionApi, gateway: FakeGateway) -> None:
    for _ in range(9):
        api.answer_next("POST 7/ticket/", 503, {"detail": "Not now."})
    gateway.lines[-1].close(code=1006)
    expect(call.get_by_text("Reconnecting…")).to_be_visible()

    hang_up(call)

    call.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 1


@pytest.mark.prove
def test_page_stops_reconnecting_after_two_protocol_errors(
    call: Page, api: FakeSessionApi, gateway: FakeGateway
) -> None:
    gateway.lines[-1].close(code=1008)
    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(call.get_by_text("The caller is listening")).to_be_visible()
    gateway.lines[-1].close(code=1008)

    expect(call.get_by_role("heading", name="You were disconnected")).to_be_focused()
    assert len(gateway.lines) == 2


@pytest.mark.prove
def test_offline_event_reconnects_at_once(call: Page, gateway: FakeGateway) -> None:
    call.evaluate("window.dispatchEvent(new Event('offline'))")

    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(practice_panel(call)).to_have_attribute("data-phase", "talking")


def test_displaced_page_can_take_the_call_back(call: Page, api: FakeSessionApi, gateway: FakeGateway) -> None:
    gateway.send(type="ended", reason="replaced")
    gateway.lines[-1].close(code=4002)

    expect(call.get_by_role("heading", name="This call is open on another page")).to_be_focused()
    expect(call.get_by_role("button", name="Reconnect")).to_be_hidden()
    call.get_by_role("button", name="Continue the call here").click()
    expect(practice_panel(call)).to_have_attribute("data-phase", "talking")
    assert api.bodies("POST 7/ticket/") == [{}, {"take_over": True}]


def test_logged_out_counselor_can_log_in_and_reconnect(call: Page, api: FakeSessionApi, gateway: FakeGateway) -> None:
    gateway.send(type="ended", reason="logged_out")
    gateway.lines[-1].close(code=4001)

    expect(call.get_by_role("alert").filter(has_text="You were logged out.")).to_be_visible()
    expect(call.get_by_role("link", name="Log in again")).to_have_attribute("target", "_blank")
    call.get_by_role("button", name="Reconnect").click()
    expect(practice_panel(call)).to_have_attribute("data-phase", "talking")
    assert api.bodies("POST 7/ticket/") == [{}, {"held": 1}]


IN_USE = {"detail": "This call is open in another window.", "code": "in_use"}


def test_call_open_on_another_page_can_be_taken_over(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    api.answer_next("POST 7/ticket/", 409, IN_USE)
    page = open_call(live_session_id="7")
    page.get_by_role("button", name="Continue the call").click()

    expect(page.get_by_role("heading", name="This call is open on another page")).to_be_focused()
    expect(page.get_by_role("alert").filter(has_text="open in another window")).to_be_visible()
    page.get_by_role("button", name="Continue the call here").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    assert api.bodies("POST 7/ticket/") == [{}, {"take_over": True}]


def test_resumed_call_continues_its_timer(open_call: Callable[..., Page]) -> None:
    page = open_call(live_session_id="7", live_seconds=754)
    page.get_by_role("button", name="Continue the call").click()

    expect(page.get_by_role("timer")).to_have_text(re.compile("^12:[34]"))


@pytest.mark.prove
def test_reconnection_to_an_ended_session_shows_the_end(call: Page, api: FakeSessionApi, gateway: FakeGateway) -> None:
    api.answer_next("POST 7/ticket/", 409, {"detail": "This call is over.", "code": "session_over"})
    gateway.lines[-1].close(code=1006)

    expect(call.get_by_role("heading", name="The call has ended")).to_be_visible()
    expect(call.get_by_role("link", name="View the call and its feedback")).to_have_attribute("href", "/sessions/7/")


def test_conflicting_call_can_be_ended_from_the_page(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    conflict = {"detail": "You have another call under way.", "code": "call_live", "session_id": "6"}
    api.answer_next("POST ", 409, conflict)
    page = open_call()

    page.get_by_role("button", name="Start the call").click()
    page.get_by_role("button", name="End that call and start this one").click()

    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert api.count("POST 6/end/") == 1


def test_unfinished_call_continues_with_its_transcript(
    open_call: Callable[..., Page], api: FakeSessionApi, gateway: FakeGateway
) -> None:
    api.session["transcript"] = [turn("a", "counselor", "Crisis line.", revision=3)]
    page = open_call(live_session_id="7")

    page.get_by_role("button", name="Continue the call").click()

    expect(transcript_items(page)).to_have_count(1)
    wait_until(page, lambda: gateway.messages_of_type("hello") == [{"type": "hello", "last_revision": 3}])
    assert api.count("POST ") == 0
