from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import FAKE_MICROPHONE, launch_chromium
from tests.browser.demo_site import (  # noqa: F401
    DEFAULT_VIEWPORT,
    demo_site,
    demo_site_with_faults,
    flags,
    monitor,
    open_page,
    page_pool,
    practice_browser,
)
from tests.browser.practice_fakes import api, call, chat, gateway, open_call, open_chat  # noqa: F401
from tests.browser.static_site import StaticSite, open_page_with_errors, serve_static_site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launch_chromium(*FAKE_MICROPHONE) as browser:
        yield browser


@pytest.fixture(scope="module")
def site() -> Iterator[StaticSite]:
    with serve_static_site() as site:
        yield site


@pytest.fixture(scope="module")
def shared_page(chromium: Browser, site: StaticSite) -> Iterator[tuple[Page, list[str]]]:
    """Yield one page for a whole module and the list of its script errors.

    Creating a page is the most expensive part of most tests, because Chromium starts a process for it.
    """
    with open_page_with_errors(chromium, site) as opened:
        yield opened


@pytest.fixture
def page(shared_page: tuple[Page, list[str]]) -> Iterator[Page]:
    """Yield an empty page that loads only the translation catalog. A script error on it fails the test."""
    tab, errors = shared_page
    tab.set_viewport_size(DEFAULT_VIEWPORT)
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    tab.goto("/")
    errors.clear()  # errors of the previous page
    yield tab
    assert errors == []
    tab.unroute_all(behavior="ignoreErrors")
