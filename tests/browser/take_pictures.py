"""Take the pictures in `docs/pictures` of a running demo: `python -m tests.browser.take_pictures http://localhost:8000`."""

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.chromium import FAKE_MICROPHONE, launch_chromium
from tests.browser.demo_site import DEMO_PASSWORD

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
QUALITY = "82"  # of WebP, up to 100
LINES = [
    "Harbor State Line, this is Sam. I am glad you called.",
    "You sound worn out. What has been happening?",
    "That is a lot to carry alone. Who knows about it?",
]
COUNSELOR, SUPERVISOR, ADMIN = (f"{role}@example.org" for role in ("counselor", "supervisor", "admin"))


def main(url: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with launch_chromium(*FAKE_MICROPHONE) as browser:
        for theme in ("light", "dark"):
            take_all(browser, url, theme)


def take_all(browser: Browser, url: str, theme: str) -> None:
    visitor = open_page(browser, url, theme)
    take(visitor, "welcome")
    counselor = open_page(browser, url, theme, COUNSELOR)
    take(counselor, "today")
    take(counselor, "today-phone", size=PHONE)
    take(counselor, "progress", path="/progress/")
    counselor.goto(f"{url}/sessions/?mode=phone&result=graded")
    counselor.locator("main a.row, main .row a").first.click()
    counselor.wait_for_url("**/sessions/*-*/")
    feedback = counselor.url
    take(counselor, "feedback")
    for tab in ("checks", "transcript"):
        take(counselor, f"feedback-{tab}", path=f"{feedback.removeprefix(url)}{tab}/")
    take_call(counselor, url)
    supervisor = open_page(browser, url, theme, SUPERVISOR)
    take(supervisor, "supervisor")
    take(supervisor, "team", path="/team/")
    take(supervisor, "scenarios", path="/scenarios/")
    supervisor.goto(f"{url}/scenarios/")
    supervisor.locator("main table a").first.click()
    take(supervisor, "scenario-editor")
    take(open_page(browser, url, theme, ADMIN), "center", path="/center/people/")


def take_call(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("main a.button-primary[href*='/training/voice/']").first.click()  # get ready, or try again
    page.wait_for_url("**/training/voice/**")
    take(page, "before-call")
    page.get_by_role("button", name="Start the call").click()
    page.locator('#call[data-phase="talking"]').wait_for(state="attached")
    page.get_by_role("button", name="Type", exact=True).locator("visible=true").click()
    answers = page.locator('[data-log] li[data-speaker="caller"][data-final="true"]')
    for count, line in enumerate(LINES, 1):
        page.get_by_label("Type instead of speaking").fill(line)
        page.keyboard.press("Enter")
        answers.nth(count - 1).wait_for()
    take(page, "call")
    take(page, "call-phone", size=PHONE)
    page.locator("summary.dock-end").click()
    page.get_by_role("button", name="Stop without a grade").click()
    page.get_by_role("button", name="End now").click()
    page.wait_for_url("**/sessions/**")


def open_page(browser: Browser, url: str, theme: str, email: str = "") -> Page:
    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(
        viewport=WIDE, color_scheme=scheme, reduced_motion="reduce", permissions=["microphone"]
    )
    page = context.new_page()
    page.goto(f"{url}/account/login/" if email else url)
    if email:
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(DEMO_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/")
    return page


def take(page: Page, name: str, *, path: str = "", size: ViewportSize = WIDE) -> None:
    """Take the visible part of the page, as WebP."""
    if path:
        page.goto(f"{page.url.partition('://')[0]}://{page.url.split('/')[2]}{path}")
    page.set_viewport_size(size)
    page.wait_for_timeout(400)  # pictures and type arrive
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    file = FOLDER / f"{name}-{theme}"
    page.screenshot(path=file.with_suffix(".png"))
    subprocess.run(  # noqa: S603
        ["ffmpeg", "-loglevel", "error", "-y", "-i", file.with_suffix(".png"), "-quality", QUALITY,
         file.with_suffix(".webp")], check=True,
    )  # fmt: skip
    file.with_suffix(".png").unlink()
    page.set_viewport_size(WIDE)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
