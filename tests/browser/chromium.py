import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream"]


def program() -> str:
    """The machine's Chromium; the test is skipped without one, or fails where services are required."""
    path = shutil.which("chromium")
    if path:
        return path
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail("Chromium not found")
    pytest.skip("Chromium not found")


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """A Chromium with these further flags, for one module at most: Playwright holds the event loop while it lives."""
    path = program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *flags])
        yield browser
        browser.close()
