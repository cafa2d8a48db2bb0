"""What people do on the practice pages."""

import re

from playwright.sync_api import Locator, Page, expect


def told(*patterns: str) -> list[re.Pattern[str]]:
    """To compare a list of lines with, whatever line breaks they hold."""
    return [re.compile(pattern, re.DOTALL) for pattern in patterns]


def lines(page: Page, **wanted: str) -> Locator:
    """The lines of the transcript; those of one speaker, say, or the final ones."""
    conditions = "".join(f'[data-{name}="{value}"]' for name, value in wanted.items())
    return page.locator(f".transcript > li{conditions}")


def grade(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile(r"^Grade [A-F], \d+ of 100$"))


def session_after(page: Page) -> str:
    """The session's id, once the page has gone on to its own page."""
    page.wait_for_url("**/sessions/*/")
    return page.url.rstrip("/").rpartition("/")[2]


# ---- On the phone


def call(page: Page) -> Locator:
    return page.locator("#call")


def start_typing(page: Page, button: str = "Start the call") -> None:
    """Take the call without a microphone."""
    page.get_by_role("button", name="Take it typing instead").locator("visible=true").click()
    page.get_by_role("button", name=button).click()
    expect(call(page)).to_have_attribute("data-phase", "talking")


def say(page: Page, text: str) -> None:
    """Type a line, and wait until the caller begins to answer it."""
    answered = lines(page, speaker="caller").count()
    page.get_by_label("Type instead of speaking").fill(text)
    page.keyboard.press("Enter")
    expect(lines(page, speaker="counselor").filter(has_text=text)).to_be_visible()
    expect(lines(page, speaker="caller")).to_have_count(answered + 1)


def hang_up(page: Page) -> str:
    """The session's id."""
    page.get_by_role("button", name="Hang up").click()
    return session_after(page)


# ---- In a chat


def begin_chat(page: Page) -> None:
    page.get_by_role("button", name="Begin the chat").click()
    expect(page.get_by_label("Your message")).to_be_focused()


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def expect_answer(page: Page, count: int) -> None:
    """So many lines, the last of them the caller's and complete."""
    expect(lines(page)).to_have_count(count)
    expect(lines(page).last).to_have_attribute("data-speaker", "caller")
    expect(lines(page).last).to_have_attribute("data-final", "true")
