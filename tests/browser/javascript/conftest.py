"""One browser, site, and page for all tests in this folder: launching Chromium takes longer than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import FAKE_MICROPHONE, launch_chromium
from tests.browser.static_site import StaticSite, open_page_with_errors, serve_static_site

FOLDER = Path(__file__).parent


def is_here(item: pytest.Item) -> bool:
    return item.path.is_relative_to(FOLDER)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests of this folder together.

    pytest-randomly shuffles all modules, and each interruption would close the browser and launch another.
    """
    first = next((index for index, item in enumerate(items) if is_here(item)), len(items))
    items[first:] = sorted(items[first:], key=is_here, reverse=True)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with launch_chromium(*FAKE_MICROPHONE) as browser:
        yield browser


@pytest.fixture(scope="package")
def site() -> Iterator[StaticSite]:
    with serve_static_site() as site:
        yield site


@pytest.fixture(scope="package")
def shared_page(chromium: Browser, site: StaticSite) -> Iterator[tuple[Page, list[str]]]:
    with open_page_with_errors(chromium, site) as opened:
        yield opened
