from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.servers import require_program

TIMEOUT_MS = 40_000  # of each expectation and action; generous, so that no test fails on a busy machine
QUIET_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# A microphone that beeps. The second flag grants the permission, which a shell without windows cannot ask for.
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@contextmanager
def launch_chromium(*flags: str) -> Iterator[Browser]:
    """Yield a Chromium with these extra flags.

    Close it before tests outside its module or folder run: Playwright keeps an event loop running in this thread, and
    the ORM and asyncio tests fail inside a running loop.
    """
    path = require_program("chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=TIMEOUT_MS)  # Playwright's own is 5 s
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET_FLAGS, *flags])
        yield browser
        browser.close()


def fail_microphone(page: Page, error: str) -> None:
    """Let the page's requests for a microphone fail with a DOMException of this name."""
    page.evaluate(
        "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', name); }; }", error
    )
