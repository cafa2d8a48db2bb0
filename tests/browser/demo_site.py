"""The real demo, shared by the browser tests. They access it by URL only and create their own users."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, WebError

from tests.browser.chromium import TIMEOUT_MS, launch_chromium
from tests.config.demo_process import DemoProcess, wait_until
from tests.config.demo_process import HttpVisitor as Visitor
from tests.support.servers import require_program

BLANK_PAGE = '<!doctype html><title>Blank</title><link rel="icon" href="data:,">'
DEFAULT_VIEWPORT: ViewportSize = {"width": 1280, "height": 720}
DEMO_PASSWORD = "steadyline-demo"
PASSWORD = "a quiet harbor at dawn"
CALLS = ("Since the first of the month", "Two cups of coffee")
CHAT = "After midnight in the dorm"


class DemoSite:
    """A running demo, with methods that act for its users and operator over HTTP, without a browser."""

    def __init__(self, demo: DemoProcess, folder: Path) -> None:
        self.demo = demo
        self.folder = folder
        self.url = f"http://127.0.0.1:{demo.web_port}"
        self.standin = (folder / "var" / "openai-url").read_text().removesuffix("/v1")
        self.visitors: dict[str, Visitor] = {}
        self._confirmed_at = -1000.0  # seconds of the monotonic clock

    def log_in_as(self, email: str) -> Visitor:
        """Return a visitor that is logged in as this person."""
        if email not in self.visitors:
            visitor = Visitor(self.demo.web_port)
            assert visitor.log_in(email, PASSWORD if email.startswith("new-") else DEMO_PASSWORD) == 302
            self.visitors[email] = visitor
        return self.visitors[email]

    def add_counselor(self, *titles: str) -> str:
        """Add a counselor with these scenarios assigned and return the counselor's email address."""
        email = f"new-{uuid4().hex[:8]}@example.org"
        person = {"email": email, "role": "counselor", "usable_password": "true"}
        passwords = {"password1": PASSWORD, "password2": PASSWORD}
        self._confirm_password("admin@example.org")
        self._submit_form("admin@example.org", "/admin/accounts/user/add/", person | passwords)
        for title in titles:
            form = "/admin/training/assignment/add/"
            chosen = {
                "counselor": self._option_value(form, "counselor", email),
                "scenario": self._autocomplete_id("scenario", title),
            }
            self._submit_form("supervisor@example.org", form, chosen | {"due_date": "2031-05-04", "notes": ""})
        return email

    def _confirm_password(self, email: str) -> None:
        """Enter the password again, which adding people needs. It is valid for five minutes."""
        if time.monotonic() - self._confirmed_at > 200:
            self._submit_form(email, "/account/reauthenticate/", {"password": DEMO_PASSWORD})
            self._confirmed_at = time.monotonic()

    def _submit_form(self, email: str, path: str, fields: dict[str, str]) -> None:
        status, page = self.log_in_as(email).send("POST", path, urlencode(fields), "application/x-www-form-urlencoded")
        assert status == 302, page

    def _option_value(self, path: str, field_name: str, label: str) -> str:
        page = self.log_in_as("supervisor@example.org").send("GET", path)[1]
        select = re.search(rf'<select name="{field_name}".*?</select>', page, re.DOTALL)
        assert select, page
        found = re.search(rf'<option value="([^"]+)"[^>]*>{re.escape(label)}</option>', select[0])
        assert found, select[0]
        return found[1]

    def _autocomplete_id(self, field_name: str, title: str) -> str:
        """Return the id that the autocomplete of the assignment form finds for a title."""
        query = {"app_label": "training", "model_name": "assignment", "field_name": field_name, "term": title}
        found = self.get_json("supervisor@example.org", f"/admin/autocomplete/?{urlencode(query)}")["results"]
        return next(one["id"] for one in found if one["text"] == title)

    def practice_page(self, email: str, title: str) -> str:
        """Return the path of the page where this person practices the assigned scenario."""
        assigned = self.get_json(email, "/api/assignments/")["results"]
        found = next(one for one in assigned if one["title"] == title)
        return f"/training/{'voice' if found['mode'] == 'phone' else 'chat'}/{found['id']}/"

    def get_json(self, email: str, path: str) -> Any:
        status, body = self.log_in_as(email).send("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post_json(self, email: str, path: str, **data: str) -> Any:
        status, body = self.log_in_as(email).post_json(path, data)
        assert status < 300, body
        return body

    def take_chat(self, email: str, *messages: str, grading_fails: bool = False) -> str:
        """Complete a free-practice chat over the API, wait for its feedback, and return the session's id."""
        session: str = self.post_json(email, "/api/sessions/", type="free_practice", mode="chat")["id"]
        for message in messages:
            self.post_json(email, f"/api/sessions/{session}/messages/", content=message)
        if grading_fails:
            self.add_openai_fault("POST /v1/responses", status=400)
        self.post_json(email, f"/api/sessions/{session}/end/")
        self.wait_for_feedback(email, session)
        return session

    def wait_for_feedback(self, email: str, session: str) -> Any:
        def fetch_evaluation() -> Any:
            return self.get_json(email, f"/api/sessions/{session}/evaluation/")

        wait_until(lambda: fetch_evaluation()["status"] not in ("queued", "running"), "the feedback is ready")
        return fetch_evaluation()

    def add_openai_fault(self, match: str, times: int | None = None, **fault: object) -> None:
        """Inject the fault into the next `times` matching calls (None: until `clear_openai_faults`)."""
        body = json.dumps({"match": match, "fault": fault, "times": times}).encode()
        urlopen(Request(f"{self.standin}/standin/faults", body, {"Content-Type": "application/json"})).close()

    def clear_openai_faults(self) -> None:
        urlopen(Request(f"{self.standin}/standin/faults", method="DELETE")).close()


AXE_MESSAGES = ("Applying inline style violates", "Couldn't load preload assets")


@dataclass
class PageMonitor:
    """Monitor that records console errors, console warnings, and requests to other hosts, which no page may cause."""

    hosts: set[str]
    problems: list[str] = field(default_factory=list)
    expected_problems: list[str] = field(default_factory=list)

    def expect_statuses(self, *statuses: int) -> None:
        """Allow console errors about these HTTP statuses, which the test causes."""
        self.expected_problems += [f"the server responded with a status of {status}" for status in statuses]

    @property
    def unexpected_problems(self) -> list[str]:
        return [one for one in self.problems if not any(words in one for words in self.expected_problems)]

    def on_console(self, message: ConsoleMessage) -> None:
        # axe sets inline styles and loads style sheets itself. Its scripts have no address, but those of pages do.
        is_from_axe = not message.location["url"] and message.text.startswith(AXE_MESSAGES)
        is_from_playwright = message.text == "Service Worker registration blocked by Playwright"
        if message.type in ("error", "warning") and not is_from_axe and not is_from_playwright:
            self.problems.append(f"{message.type}: {message.text} ({message.location['url']})")

    def on_error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error}")

    def on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in self.hosts:
            self.problems.append(f"another host: {url}")


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    require_program("chromium")
    if sys.platform != "linux":
        pytest.skip("needs Linux's /proc to find leftover processes")
    folder = tmp_path_factory.mktemp("demo-site")
    demo = DemoProcess(folder)
    try:
        yield DemoSite(demo.wait_until_ready(), folder)
    finally:
        demo.process.kill()
        demo.wait_until_gone()


@pytest.fixture
def demo_site_with_faults(demo_site: DemoSite) -> Iterator[DemoSite]:
    """Yield the demo to a test that adds OpenAI faults, and clear them afterward."""
    yield demo_site
    demo_site.clear_openai_faults()


@pytest.fixture(scope="module")
def flags() -> list[str]:
    """Return the flags that start the module's browser."""
    return []


@pytest.fixture(scope="module")
def practice_browser(demo_site: DemoSite, flags: list[str]) -> Iterator[Browser]:
    with launch_chromium(*flags) as browser:
        yield browser


class PagePool:
    """Pages of one browser that tests reuse, because a new context takes longer than most tests.

    Only pages with default options are kept. Between two tests, a page loses its cookies, storage, and routes.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.monitor = PageMonitor({"127.0.0.1"})
        self._browser = browser
        self._url = url
        self._free: list[Page] = []
        self._reusable: list[Page] = []  # in use now, and free after the test
        self._single_use: list[BrowserContext] = []  # closed after the test

    def open(self, is_single_use: bool, **options: Any) -> Page:
        """Return a blank page. A single-use page, or one with other options, gets a context of its own."""
        if is_single_use or options:
            page = self._new_page(**options)
            self._single_use.append(page.context)
            return page
        page = self._free.pop() if self._free else self._new_page()
        self._reusable.append(page)
        return page

    def release_all(self) -> None:
        """Close or clear every page in use. Later problems on these pages do not fail any test."""
        self.monitor = PageMonitor({"127.0.0.1"})
        for context in self._single_use:
            context.close()
        self._single_use.clear()
        while self._reusable:
            page = self._reusable.pop()
            self._clear(page)
            self._free.append(page)

    def _new_page(self, **options: Any) -> Page:
        # A service worker would answer instead of the routes of tests.
        defaults = {"base_url": self._url, "reduced_motion": "reduce", "service_workers": "block"}
        context = self._browser.new_context(**{**defaults, **options})
        context.set_default_timeout(TIMEOUT_MS)
        context.on("console", lambda message: self.monitor.on_console(message))
        context.on("weberror", lambda error: self.monitor.on_error(error))
        context.on("request", lambda request: self.monitor.on_request(request.url))
        context.on("page", lambda page: page.on("websocket", lambda websocket: self.monitor.on_request(websocket.url)))
        return context.new_page()

    def _clear(self, page: Page) -> None:
        for other in page.context.pages:
            if other != page:
                other.close()
        page.unroute_all(behavior="ignoreErrors")
        # Staying on the same site keeps the renderer process, which is fast. The icon prevents a failed request.
        page.route("**/blank/", lambda route: route.fulfill(body=BLANK_PAGE, content_type="text/html"))
        page.goto("/blank/")
        page.evaluate("localStorage.clear(); sessionStorage.clear();")
        page.unroute_all()
        page.context.clear_cookies()
        page.set_viewport_size(DEFAULT_VIEWPORT)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.fixture(scope="module")
def page_pool(demo_site: DemoSite, practice_browser: Browser) -> PagePool:
    return PagePool(practice_browser, demo_site.url)


@pytest.fixture
def monitor() -> Iterator[PageMonitor]:
    monitor = PageMonitor({"127.0.0.1"})
    yield monitor
    assert monitor.unexpected_problems == [], monitor.unexpected_problems


@pytest.fixture
def open_page(demo_site: DemoSite, page_pool: PagePool, monitor: PageMonitor) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens a page, logged in as `email` if that is given.

    Pass `is_single_use=True` for a page that a test changes permanently, for example with `route_web_socket`.
    """
    page_pool.monitor = monitor

    def open_and_log_in(path: str = "/", email: str = "", is_single_use: bool = False, **options: Any) -> Page:
        page = page_pool.open(is_single_use, **options)
        if email:
            cookies = demo_site.log_in_as(email).cookies
            page.context.add_cookies([{"name": name, "value": cookies[name], "url": demo_site.url} for name in cookies])
        page.goto(path)
        return page

    yield open_and_log_in
    page_pool.release_all()
