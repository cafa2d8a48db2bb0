"""The real try-out for the browser tests. They share one, know it by its addresses only, and bring their own people."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError, expect

from tests.browser.chromium import launched, program
from tests.config.demo_process import Browser as Visitor
from tests.config.demo_process import DemoProcess, wait_until

PATIENCE_MS = 20_000  # a busy machine is no finding
DEMO_PASSWORD = "steadyline-demo"
PASSWORD = "a quiet harbor at dawn"
CALLS = ("Since the first of the month", "Two cups of coffee")
CHAT = "After midnight in the dorm"


class Tryout:
    """A running try-out, and what its people and its operator do with it beside the browser."""

    def __init__(self, demo: DemoProcess, folder: Path) -> None:
        self.demo = demo
        self.folder = folder
        self.url = f"http://127.0.0.1:{demo.web_port}"
        self.standin = (folder / "var" / "openai-url").read_text().removesuffix("/v1")
        self.visitors: dict[str, Visitor] = {}

    def as_(self, email: str) -> Visitor:
        """This person, logged in."""
        if email not in self.visitors:
            visitor = Visitor(self.demo.web_port)
            assert visitor.log_in(email, PASSWORD if email.startswith("new-") else DEMO_PASSWORD) == 302
            self.visitors[email] = visitor
        return self.visitors[email]

    def add_counselor(self, *titles: str) -> str:
        """Somebody new with these scenarios assigned; their e-mail address."""
        email = f"new-{uuid4().hex[:8]}@example.org"
        person = {"email": email, "role": "counselor", "usable_password": "true"}
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        self._submit("admin@example.org", "/admin/accounts/user/add/", person | passwords)
        for title in titles:
            form = "/admin/training/assignment/add/"
            chosen = {
                "counselor": self._choice(form, "counselor", email),
                "scenario": self._typed_choice("scenario", title),
            }
            self._submit("supervisor@example.org", form, chosen | {"due_date": "2031-05-04", "notes": ""})
        return email

    def _submit(self, email: str, path: str, fields: dict[str, str]) -> None:
        status, page = self.as_(email).send("POST", path, urlencode(fields), "application/x-www-form-urlencoded")
        assert status == 302, page

    def _choice(self, path: str, field_name: str, label: str) -> str:
        page = self.as_("supervisor@example.org").send("GET", path)[1]
        select = re.search(rf'<select name="{field_name}".*?</select>', page, re.DOTALL)
        assert select, page
        found = re.search(rf'<option value="([^"]+)"[^>]*>{re.escape(label)}</option>', select[0])
        assert found, select[0]
        return found[1]

    def _typed_choice(self, field_name: str, title: str) -> str:
        """What a supervisor finds who types a title where an assignment is given."""
        where = {"app_label": "training", "model_name": "assignment", "field_name": field_name, "term": title}
        found = self.read("supervisor@example.org", f"/admin/autocomplete/?{urlencode(where)}")["results"]
        return next(one["id"] for one in found if one["text"] == title)

    def practice_page(self, email: str, title: str) -> str:
        """The address at which this person takes what was assigned to them."""
        dashboard = self.as_(email).send("GET", "/")[1]
        found = re.search(
            rf'href="(/training/[^"]+)">[^<]*<span class="visually-hidden">: {re.escape(title)}<', dashboard
        )
        assert found, dashboard
        return found[1]

    def read(self, email: str, path: str) -> Any:
        status, body = self.as_(email).send("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, email: str, path: str, **data: str) -> Any:
        status, body = self.as_(email).post_json(path, data)
        assert status < 300, body
        return body

    def take_chat(self, email: str, *messages: str, grading_fails: bool = False) -> str:
        """A whole chat of free practice over the API, with what became of its feedback; its id."""
        session: str = self.post(email, "/api/sessions/", type="free_practice", mode="chat")["id"]
        for message in messages:
            self.post(email, f"/api/sessions/{session}/messages/", content=message)
        if grading_fails:
            self.break_openai("POST /v1/responses", status=400)
        self.post(email, f"/api/sessions/{session}/end/")
        self.wait_for_feedback(email, session)
        return session

    def wait_for_feedback(self, email: str, session: str) -> Any:
        def answer() -> Any:
            return self.read(email, f"/api/sessions/{session}/evaluation/")

        wait_until(lambda: answer()["status"] not in ("queued", "running"), "the feedback is there")
        return answer()

    def break_openai(self, match: str, times: int | None = None, **fault: object) -> None:
        """Let the stand-in misbehave at the next calls that match; None: until `mend_openai`."""
        body = json.dumps({"match": match, "fault": fault, "times": times}).encode()
        urlopen(Request(f"{self.standin}/standin/faults", body, {"Content-Type": "application/json"})).close()

    def mend_openai(self) -> None:
        urlopen(Request(f"{self.standin}/standin/faults", method="DELETE")).close()


@dataclass
class Watch:
    """What no page may do: complain in its console, or ask another host for anything."""

    hosts: set[str]
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", lambda request: self._asked(request.url))
        context.on("page", lambda page: page.on("websocket", lambda line: self._asked(line.url)))

    def expect_failing(self, *statuses: int) -> None:
        """The browser notes in the console what the server refused; this test makes it refuse."""
        self.expected += [f"the server responded with a status of {status}" for status in statuses]

    @property
    def surprises(self) -> list[str]:
        return [one for one in self.complaints if not any(words in one for words in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in self.hosts:
            self.complaints.append(f"another host: {url}")


@pytest.fixture(scope="session")
def tryout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryout]:
    program()
    if sys.platform != "linux":
        pytest.skip("starts the try-out as the launcher's tests do, on Linux")
    folder = tmp_path_factory.mktemp("tryout")
    demo = DemoProcess(folder)
    try:
        yield Tryout(demo.wait_until_ready(), folder)
    finally:
        demo.process.kill()
        demo.wait_until_gone()


@pytest.fixture
def mended(tryout: Tryout) -> Iterator[Tryout]:
    """The try-out, for tests that break what it depends on."""
    yield tryout
    tryout.mend_openai()


@pytest.fixture(scope="module")
def flags() -> list[str]:
    """What the module's browser is started with."""
    return []


@pytest.fixture(scope="module")
def practice_browser(tryout: Tryout, flags: list[str]) -> Iterator[Browser]:
    with launched(*flags) as browser:
        yield browser


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch({"127.0.0.1"})
    yield watch
    assert watch.surprises == []


@pytest.fixture
def enter(tryout: Tryout, practice_browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens a page as somebody, in a browser window of their own; without anybody, as a visitor."""
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", email: str = "", **options: Any) -> Page:
        context = practice_browser.new_context(**{"base_url": tryout.url, "reduced_motion": "reduce", **options})
        contexts.append(context)
        watch.over(context)
        context.set_default_timeout(PATIENCE_MS)
        if email:
            cookies = tryout.as_(email).cookies
            context.add_cookies([{"name": name, "value": cookies[name], "url": tryout.url} for name in cookies])
        page = context.new_page()
        page.goto(path)
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield open_page
    expect.set_options(timeout=None)
    for context in contexts:
        context.close()
