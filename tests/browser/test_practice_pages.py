"""The call page and the chat page in a real browser, with an API and a gateway simulated by the test."""

import json
import re
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import Context, Engine
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.chromium import TIMEOUT_MS, fail_microphone
from tests.browser.static_site import StaticSite

TEMPLATES = Path(__file__).parents[2] / "templates"
BASE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<script src="/texts.js" defer></script>
<link rel="stylesheet" href="/static/site.css">
{% block head %}{% endblock %}</head><body class="{% block body_class %}{% endblock %}">
<main id="content">{% block content %}{% endblock %}</main></body></html>"""
PRACTICE = {
    "mode": "phone",
    "kind": "assignment",
    "title": "A student who cannot sleep",
    "description": "A first-year student calls late at night. They are worn out, and afraid of tomorrow.",
    "estimated_minutes": 12,
    "difficulty_label": "Intermediate",
    "notes": "Take your time before you ask about safety.",
    "assignment_id": "11111111-1111-4111-8111-111111111111",
    "is_open": True,
}


def turn(item: str, role: str, text: str, after: str | None = None, **more: object) -> dict[str, object]:
    facts = {"item": item, "after": after, "role": role, "text": text, "final": True, "interrupted": False}
    return {"revision": 1, "start_ms": 0, **facts, **more}


class FakeSessionApi:
    """Fake /api/sessions/ that records its requests."""

    def __init__(self) -> None:
        self.session: dict[str, Any] = {
            "id": "7",
            "status": "active",
            "end_reason": "",
            "greeting": "pending",
            "page": "/sessions/7/",
            "title": "A student who cannot sleep",
            "transcript": [],
        }
        self.requests: list[tuple[str, Any]] = []
        self.answers: dict[str, list[tuple[int, object]]] = {}

    def answer_next(self, request: str, status: int, body: object) -> None:
        """Answer the next such request with this instead of the default. A string is sent as an event stream."""
        self.answers.setdefault(request, []).append((status, body))

    def handle(self, route: Route) -> None:
        request = f"{route.request.method} {route.request.url.partition('/api/sessions/')[2]}"
        self.requests.append((request, route.request.post_data_json))
        waiting = self.answers.get(request)
        status, body = waiting.pop(0) if waiting else self.default_answer(request)
        if isinstance(body, str):
            route.fulfill(status=status, body=body, content_type="text/event-stream")
        else:
            route.fulfill(status=status, json=body)

    def default_answer(self, request: str) -> tuple[int, object]:
        if request == "POST 7/ticket/":
            return 201, {"url": "ws://line.test/ws/calls/7/", "ticket": "a.b", "expires_at": "2030-01-01T00:00:00Z"}
        if request == "POST 7/end/":
            self.session |= {"status": "completed", "end_reason": "hung_up"}
        return 200, self.session

    def count(self, request: str) -> int:
        return sum(sent == request for sent, _ in self.requests)

    def bodies(self, request: str) -> list[Any]:
        return [body for sent, body in self.requests if sent == request]


class FakeGateway:
    """Fake gateway at the other end of the call's socket."""

    def __init__(self) -> None:
        self.lines: list[WebSocketRoute] = []
        self.messages: list[dict[str, Any]] = []
        self.frames: list[tuple[int, int]] = []
        self.is_answering = True

    def connect(self, line: WebSocketRoute) -> None:
        self.lines.append(line)
        line.on_message(self.receive)

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.frames.append((struct.unpack_from("<BBHI", message)[3], len(message)))
            return
        self.messages.append(json.loads(message))
        if self.messages[-1]["type"] == "hello":
            self.send(type="ready", resumed=len(self.lines) > 1, recording=True, epoch=len(self.lines))
        if self.messages[-1]["type"] == "hang_up" and self.is_answering:
            self.send(type="ended", reason="hung_up")

    def send(self, **message: object) -> None:
        self.lines[-1].send(json.dumps(message))

    def turn(self, *args: Any, **more: object) -> None:
        self.send(type="turn", **turn(*args, **more))

    def send_audio(self, item: int, samples: int) -> None:
        for at in range(0, samples, 2400):
            pcm = struct.pack("<h", 9000) * min(2400, samples - at)
            self.lines[-1].send(struct.pack("<BBHI", 1, 0, item, at) + pcm)
        self.send(type="item_end", item=item, samples=samples)

    def messages_of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]


@pytest.fixture
def api(page: Page, site: StaticSite) -> FakeSessionApi:
    api = FakeSessionApi()
    page.route("**/api/sessions/**", api.handle)
    page.route(
        f"{site.url}/sessions/7/", lambda route: route.fulfill(body="<title>Feedback</title>", content_type="text/html")
    )
    return api


@pytest.fixture
def gateway(page: Page) -> FakeGateway:
    gateway = FakeGateway()
    page.route_web_socket(re.compile("^ws://line.test/"), gateway.connect)
    return gateway


def render(template: str, live_session_id: str | None = None, live_seconds: int = 0, **practice: object) -> str:
    loaders = [
        ("django.template.loaders.locmem.Loader", {"base.html": BASE}),
        ("django.template.loaders.filesystem.Loader", [str(TEMPLATES)]),
    ]
    libraries = {
        "i18n": "django.templatetags.i18n",
        "static": "tests.browser.unhashed_static_tag",
        "recording_consent": "recordings.templatetags.recording_consent",
    }
    engine = Engine(loaders=loaders, libraries=libraries)
    context = {
        "practice": PRACTICE | practice,
        "live_session_id": live_session_id,
        "live_seconds": live_seconds,
        "line_kept_ms": 60_000,
        "sessions_url": "/api/sessions/",
        "dashboard_url": "/",
        "csrf_token": "t" * 64,
    }
    return engine.get_template(template).render(Context(context))


@pytest.fixture
def open_call(page: Page, site: StaticSite, api: FakeSessionApi, gateway: FakeGateway) -> Callable[..., Page]:
    def open_page(**practice: Any) -> Page:
        site.pages["/call/"] = render("training/call.html", **practice)
        page.goto("/call/")
        return page

    return open_page


@pytest.fixture
def call(open_call: Callable[..., Page], gateway: FakeGateway) -> Page:
    """Return the page of a call in progress."""
    page = open_call()
    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_text("You’re answering the phone. Say your greeting.")).to_be_visible()
    return page


@pytest.fixture
def open_chat(page: Page, site: StaticSite, api: FakeSessionApi) -> Callable[..., Page]:
    def open_page(**practice: Any) -> Page:
        site.pages["/chat/"] = render("training/chat.html", **{"mode": "chat", **practice})
        page.goto("/chat/")
        return page

    return open_page


@pytest.fixture
def chat(open_chat: Callable[..., Page], api: FakeSessionApi) -> Iterator[Page]:
    """Yield the page of a chat that shows its first message."""
    api.session |= {"greeting": "ready", "transcript": [turn("g", "caller", "hi. is someone there?")]}
    page = open_chat()
    page.get_by_role("button", name="Start the chat").click()
    expect(transcript_items(page)).to_have_text([re.compile("Caller.*hi. is someone there?", re.S)])
    yield page


def transcript_items(page: Page) -> Any:
    return page.get_by_role("log").locator("li")


def practice_panel(page: Page) -> Any:
    return page.locator("#call, #chat")


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page run until the condition holds."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "The page did not send what was expected."
        page.wait_for_timeout(20)


# ---- The call page


def test_call_page_describes_the_call_before_any_request(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_call(require_recording=True)

    expect(page.get_by_role("heading", name="A student who cannot sleep")).to_be_visible()
    expect(page.get_by_text("This assignment requires a recording.")).to_be_visible()
    expect(page.get_by_label("What would you like to practice?")).to_have_count(0)
    expect(page.get_by_role("button", name="Hang up")).to_be_hidden()
    assert api.requests == []


@pytest.mark.prove
def test_microphone_check_detects_sound_and_lists_devices(open_call: Callable[..., Page]) -> None:
    page = open_call()

    page.get_by_role("button", name="Check my microphone").click()

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
    call.get_by_label("Type instead of speaking").press("m")
    call.get_by_role("log").press("m")

    wait_until(call, lambda: len(gateway.messages_of_type("mute")) == 2)
    assert [message["on"] for message in gateway.messages_of_type("mute")] == [True, False]
    expect(call.get_by_label("Type instead of speaking")).to_have_value("m")


@pytest.mark.parametrize("button", ["Hang up", "Get feedback"])
def test_ended_call_opens_its_session_page(call: Page, api: FakeSessionApi, button: str) -> None:
    call.get_by_role("button", name=button).click()

    call.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 0


def test_hang_up_without_a_connection_ends_the_call_over_the_api(
    call: Page, api: FakeSessionApi, gateway: FakeGateway
) -> None:
    gateway.is_answering = False
    call.get_by_role("button", name="Hang up").click()
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
    gateway.lines[-1].close(code=1006)

    expect(call.get_by_text("Reconnecting…")).to_be_visible()
    expect(call.get_by_text("Until then, nobody can hear you.")).to_be_visible()
    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(call.get_by_text("Connected", exact=True)).to_be_visible()
    assert api.bodies("POST 7/ticket/")[1:] == [{"held": 1}] * 3


def test_hang_up_works_while_reconnecting(call: Page, api: FakeSessionApi, gateway: FakeGateway) -> None:
    for _ in range(9):
        api.answer_next("POST 7/ticket/", 503, {"detail": "Not now."})
    gateway.lines[-1].close(code=1006)
    expect(call.get_by_text("Reconnecting…")).to_be_visible()

    call.get_by_role("button", name="Hang up").click()

    call.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 1


@pytest.mark.prove
def test_page_stops_reconnecting_after_two_protocol_errors(
    call: Page, api: FakeSessionApi, gateway: FakeGateway
) -> None:
    gateway.lines[-1].close(code=1008)
    wait_until(call, lambda: len(gateway.lines) == 2)
    expect(call.get_by_text("Connected", exact=True)).to_be_visible()
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


def test_call_ended_by_the_gateway_keeps_the_page(call: Page, gateway: FakeGateway) -> None:
    gateway.send(type="ended", reason="idle")

    expect(call.get_by_text("because nobody spoke for a long time")).to_be_visible()
    expect(call.get_by_role("heading", name="The call has ended")).to_be_focused()
    assert call.url.endswith("/call/")


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


DRAFT = {
    "kind": "trial",
    "assignment_id": None,
    "scenario_id": "22222222-2222-4222-8222-222222222222",
    "scenario_url": "/admin/scenarios/scenario/22222222-2222-4222-8222-222222222222/change/",
}


@pytest.mark.prove
def test_trial_call_is_labeled_and_starts_the_draft(open_call: Callable[..., Page], api: FakeSessionApi) -> None:
    page = open_call(**DRAFT)
    expect(page.get_by_text("This is a trial of a draft.")).to_be_visible()
    expect(page.get_by_role("link", name="Back to the scenario")).to_have_attribute("href", DRAFT["scenario_url"])
    expect(page.get_by_label("What would you like to practice?")).to_have_count(0)

    page.get_by_role("button", name="Start the call").click()

    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    assert api.requests[0] == ("POST ", {"type": "trial", "scenario_id": DRAFT["scenario_id"], "mode": "phone"})


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

    page.get_by_role("button", name="End it and start over").click()

    expect(page.get_by_role("button", name="Start the chat")).to_be_visible()
    assert api.count("POST 7/end/") == 1


def test_closed_assignment_offers_no_start(open_call: Callable[..., Page]) -> None:
    page = open_call(is_open=False)

    expect(page.get_by_text("This assignment is closed")).to_be_visible()
    expect(page.get_by_role("button", name="Start the call")).to_have_count(0)


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


# ---- The chat page


def stream(*events: tuple[str, object]) -> str:
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


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
    expect(chat.get_by_role("link", name="View the chat and its feedback")).to_have_attribute("href", "/sessions/7/")


@pytest.mark.parametrize("button", ["End chat", "Get feedback"])
def test_ended_chat_opens_its_session_page(chat: Page, api: FakeSessionApi, button: str) -> None:
    chat.get_by_role("button", name=button).click()

    chat.wait_for_url("**/sessions/7/")
    assert api.count("POST 7/end/") == 1


def test_unfinished_chat_continues(open_chat: Callable[..., Page], api: FakeSessionApi) -> None:
    api.session |= {"greeting": "ready", "transcript": [turn("g", "caller", "hi"), MINE, THEIRS]}
    page = open_chat(live_session_id="7")

    page.get_by_role("button", name="Continue the chat").click()

    expect(transcript_items(page)).to_have_count(3)
    assert api.count("POST ") == 0


# ---- Both pages


@pytest.mark.prove
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("stage", ["ready", "talking", "lost", "chat"])
def test_practice_pages_have_no_serious_axe_violations(
    request: pytest.FixtureRequest, page: Page, gateway: FakeGateway, stage: str, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if stage == "ready":
        request.getfixturevalue("open_call")()
    else:
        request.getfixturevalue("chat" if stage == "chat" else "call")
    if stage in ("talking", "lost"):
        gateway.turn("a", "counselor", "Crisis line, good evening.")
        gateway.turn("b", "caller", "Hello? I did", after="a", final=False, interrupted=True)
        expect(transcript_items(page)).to_have_count(2)
    if stage == "lost":
        gateway.lines[-1].close(code=4001)
        expect(page.get_by_role("button", name="Reconnect")).to_be_visible()

    violations = Axe().run(page).response["violations"]

    assert [one["id"] for one in violations if one["impact"] in ("serious", "critical")] == []
