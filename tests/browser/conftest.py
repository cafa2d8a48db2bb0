from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.test import RequestFactory
from django.views.i18n import JavaScriptCatalog
from playwright.sync_api import Browser, Page

from tests.browser.chromium import FAKE_MICROPHONE, launch_chromium
from tests.browser.tryout import (  # noqa: F401
    DEFAULT_VIEWPORT,
    enter,
    flags,
    mended,
    page_shelf,
    practice_browser,
    tryout,
    watch,
)

ROOT = Path(__file__).parents[2]
STATIC_FOLDERS = {"/static/training/": ROOT / "training/static/training", "/static/": ROOT / "templates/static"}


class StaticSite(ThreadingHTTPServer):
    """Server for the unchanged static files, the catalog of texts, and the pages that a test puts into `pages`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), StaticSiteHandler)
        self.pages: dict[str, str] = {
            "/": '<!doctype html><title>Scripts</title><script src="/texts.js"></script>',
            "/texts.js": JavaScriptCatalog.as_view()(RequestFactory().get("/texts.js")).text,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class StaticSiteHandler(SimpleHTTPRequestHandler):
    server: StaticSite

    def do_GET(self) -> None:
        address = self.path.partition("?")[0]
        if address not in self.server.pages:
            return super().do_GET()
        self.send_response(200)
        kind = "text/javascript" if address.endswith(".js") else "text/html"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.pages[address].encode())

    def translate_path(self, path: str) -> str:
        address = path.partition("?")[0]
        for prefix, folder in STATIC_FOLDERS.items():
            if address.startswith(prefix):
                return str(folder / address.removeprefix(prefix))
        return str(ROOT / "nothing-here")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch_chromium(*FAKE_MICROPHONE) as browser:
        yield browser


@pytest.fixture(scope="module")
def site() -> Iterator[StaticSite]:
    with StaticSite() as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def shared_page(chromium: Browser, site: StaticSite) -> Iterator[tuple[Page, list[str]]]:
    """Yield one page for a whole module and the list of its script errors.

    A page of its own costs a test more than anything else, because Chromium starts a process for it.
    """
    context = chromium.new_context(permissions=["microphone"], base_url=site.url)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab, errors
    context.close()


@pytest.fixture
def page(shared_page: tuple[Page, list[str]]) -> Iterator[Page]:
    """Yield an empty page of the site, with no script loaded. A script error on it fails the test."""
    tab, errors = shared_page
    tab.set_viewport_size(DEFAULT_VIEWPORT)
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    tab.goto("/")
    errors.clear()  # those of the page before
    yield tab
    assert errors == []
    tab.unroute_all(behavior="ignoreErrors")
