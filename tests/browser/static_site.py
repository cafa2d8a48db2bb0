"""Server for the static files, and a browser page that records script errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from django.test import RequestFactory
from django.views.i18n import JavaScriptCatalog
from playwright.sync_api import Browser, Page

from tests.browser.chromium import TIMEOUT_MS

ROOT = Path(__file__).parents[2]
STATIC_FOLDERS = {
    "/static/training/": ROOT / "training/static/training",
    "/static/evaluation/": ROOT / "evaluation/static/evaluation",
    "/static/": ROOT / "templates/static",
}


class StaticSite(ThreadingHTTPServer):
    """Server for the static files, the translation catalog, and the pages that a test adds to `pages`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), StaticSiteHandler)
        self.posts: list[str] = []  # paths of POST requests that no test has routed
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

    def do_POST(self) -> None:
        self.server.posts.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def translate_path(self, path: str) -> str:
        address = path.partition("?")[0]
        for prefix, folder in STATIC_FOLDERS.items():
            if address.startswith(prefix):
                return str(folder / address.removeprefix(prefix))
        return str(ROOT / "nothing-here")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def serve_static_site() -> Iterator[StaticSite]:
    with StaticSite() as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def open_page_with_errors(browser: Browser, site: StaticSite) -> Iterator[tuple[Page, list[str]]]:
    """Yield a page of the site and the list of its script errors."""
    context = browser.new_context(permissions=["microphone"], base_url=site.url)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page, errors
    context.close()
