import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

QUIET_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream"]


def chromium_path() -> str:
    """Return the path of Chromium. Without it, skip the test, or fail it if REQUIRE_SERVICES=1."""
    path = shutil.which("chromium")
    if path:
        return path
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail("Chromium not found")
    pytest.skip("Chromium not found")


@contextmanager
def launch_chromium(*flags: str) -> Iterator[Browser]:
    """Yield a Chromium with these extra flags.

    Use it for one module at most, because Playwright holds the event loop while it runs.
    """
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET_FLAGS, *flags])
        yield browser
        browser.close()
