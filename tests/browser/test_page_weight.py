"""What the key pages transfer to a browser that has nothing yet, and what it keeps for the next page."""

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response

from tests.browser.chromium import FAKE_MICROPHONE
from tests.browser.demo_site import DemoSite

KIBIBYTES, REQUESTS = 80, 12
COUNSELOR = "counselor@example.org"


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return FAKE_MICROPHONE


@pytest.mark.parametrize("path", ["/", "/training/voice/free/"])
def test_key_pages_are_light(open_page: Callable[..., Page], path: str) -> None:
    page = open_page("/robots.txt", COUNSELOR, is_single_use=True)  # a new context, so nothing is kept
    responses: list[Response] = []
    page.on("response", lambda answer: responses.append(answer))

    page.goto(path, wait_until="networkidle")

    sizes = {answer.url: sum(answer.request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
             for answer in responses}  # fmt: skip
    listing = "\n".join(f"{size:6} {url}" for url, size in sizes.items())
    assert sum(sizes.values()) <= KIBIBYTES * 1024, listing
    assert len(sizes) <= REQUESTS, listing


def test_static_files_are_compressed_and_kept(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    page = open_page("/account/login/")
    style, module = (
        page.locator(kind).first.get_attribute(name) or ""
        for kind, name in (("link[rel=stylesheet]", "href"), ("script[type=module]", "src"))
    )

    for address in (style, module):
        answer = page.request.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "max-age=31536000, public, immutable"
        assert int(answer.headers["content-length"]) <= len(gzip.compress(answer.body())) * 1.1
    assert page.locator("link[rel=stylesheet]").count() == 2, "the shared styles are one file, beside the page's own"
    loaded = page.evaluate("document.styleSheets[0].cssRules.length > 100")
    assert loaded and page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Figtree'))")
