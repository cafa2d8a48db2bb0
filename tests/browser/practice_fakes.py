"""Fakes of the API and the gateway for the call page and the chat page, and pages that are opened against them."""

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

from tests.browser.chromium import TIMEOUT_MS
from tests.browser.static_site import StaticSite

TEMPLATES = Path(__file__).parents[2] / "templates"
BASE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<script src="/texts.js" defer></script><script type="module" src="/static/site/page.js"></script>
<link rel="stylesheet" href="/static/site/tokens.css"><link rel="stylesheet" href="/static/site/frame.css">
<link rel="stylesheet" href="/static/site/controls.css"><link rel="stylesheet" href="/static/site/content.css">
<style>@view-transition { navigation: none; } /* the tests' other pages have none to move on to */</style>
{% block head %}{% endblock %}</head><body class="{% block body_class %}{% endblock %}">
{% block bar %}{% endblock %}<main id="content" class="page {% block page_class %}{% endblock %}" tabindex="-1">
{% block content %}{% endblock %}</main>{% block foot %}{% endblock %}</body></html>"""
# Without the view transition of all our pages, Chromium reports an error about the page before.
FEEDBACK = "<title>Feedback</title><style>@view-transition { navigation: auto; }</style>"
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
DRAFT = {
    "kind": "trial",
    "assignment_id": None,
    "scenario_id": "22222222-2222-4222-8222-222222222222",
    "scenario_url": "/admin/scenarios/scenario/22222222-2222-4222-8222-222222222222/change/",
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
        self.loudest = 0  # highest sample of the microphone
        self.is_answering = True

    def connect(self, line: WebSocketRoute) -> None:
        self.lines.append(line)
        line.on_message(self.receive)

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.frames.append((struct.unpack_from("<BBHI", message)[3], len(message)))
            self.loudest = max(self.loudest, *map(abs, memoryview(message[8:]).cast("h")))
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
    page.route(f"{site.url}/sessions/7/", lambda route: route.fulfill(body=FEEDBACK, content_type="text/html"))
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
    engine = Engine(loaders=loaders, libraries=libraries, builtins=["tests.browser.unhashed_static_tag"])
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
    def open_page(is_ringing: bool = False, **practice: Any) -> Page:
        site.pages["/call/"] = render("training/call.html", **practice)
        page.evaluate("ring => localStorage.setItem('steadyline.call.ring', ring)", "on" if is_ringing else "off")
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


def choose_end(page: Page, choice: str = "End the call") -> None:
    """Choose an end of the call, which can then be undone."""
    page.locator("summary.dock-end").click()
    page.get_by_role("button", name=choice).click()


def hang_up(page: Page) -> None:
    choose_end(page)
    page.get_by_role("button", name="End now").click()


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


def stream(*events: tuple[str, object]) -> str:
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def find_serious_axe_violations(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [one["id"] for one in violations if one["impact"] in ("serious", "critical")]
