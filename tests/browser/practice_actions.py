"""Actions on the practice pages, and locators for them."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import TIMEOUT_MS


def line_patterns(*patterns: str) -> list[re.Pattern[str]]:
    """Return patterns in which a dot also matches a line break, because a transcript entry can contain line breaks."""
    return [re.compile(pattern, re.DOTALL) for pattern in patterns]


def transcript_lines(page: Page, **wanted: str) -> Locator:
    """Return the transcript's lines, filtered by data attributes such as `speaker` or `final`."""
    conditions = "".join(f'[data-{name}="{value}"]' for name, value in wanted.items())
    return page.locator(f".transcript > li{conditions}")


def grade_badge(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile(r"^Grade [A-F], \d+ of 100$"))


def open_tab(page: Page, name: str) -> None:
    """Open a tab of a conversation's page."""
    page.locator("#session-tabs").get_by_role("link", name=name).click()
    expect(page.locator("#session-tabs").get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def saved_lines(page: Page) -> Locator:
    """Open the transcript of a conversation's page and return its lines."""
    open_tab(page, "Transcript")
    return page.locator("#turns > li")


def expect_evidence(page: Page, words: str) -> None:
    """Expect a met check whose evidence quotes `words`."""
    open_tab(page, "Checks")
    met = page.locator("[data-check]").filter(has=page.locator(".mark[data-verdict=met]"))
    check = met.filter(has=page.locator(".quote", has_text=words)).first
    check.locator("summary").first.click()
    expect(check.locator(".quote", has_text=words).first).to_be_visible()


def wait_for_session_id(page: Page) -> str:
    """Wait until the browser is on the session's own page and return the session's id."""
    page.wait_for_url("**/sessions/*/")
    return page.url.rstrip("/").rpartition("/")[2]


def wait_until_true(page: Page, condition: str) -> None:
    """Wait for a JavaScript expression to be true. `page.wait_for_function` compiles it again and again, which the
    pages' Content Security Policy forbids.
    """
    page.evaluate(
        "() => new Promise((done, fail) => {"
        f" const look = () => ({condition}) ? done() : requestAnimationFrame(look);"
        f" setTimeout(() => fail(new Error({json.dumps(condition)})), {TIMEOUT_MS}); look(); }})"
    )


# ---- Phone calls


def call_panel(page: Page) -> Locator:
    return page.locator("#call")


def start_typing(page: Page, button: str = "Start the call") -> None:
    """Start the call in typing mode, without a microphone."""
    page.get_by_role("button", name="Type", exact=True).locator("visible=true").click()
    page.get_by_role("button", name=button).click()
    expect(call_panel(page)).to_have_attribute("data-phase", "talking")


def type_line(page: Page, text: str) -> None:
    """Type a line and wait until the caller starts to answer."""
    answered = transcript_lines(page, speaker="caller").count()
    page.get_by_label("Type instead of speaking").fill(text)
    page.keyboard.press("Enter")
    expect(transcript_lines(page, speaker="counselor").filter(has_text=text)).to_be_visible()
    expect(transcript_lines(page, speaker="caller")).to_have_count(answered + 1)


def hang_up(page: Page) -> str:
    """Hang up without the ten seconds to undo it, and return the session's id."""
    page.locator("summary.dock-end").click()
    page.get_by_role("button", name="End the call").click()
    page.get_by_role("button", name="End now").click()
    return wait_for_session_id(page)


# ---- Chats


def end_chat(page: Page, choice: str = "End the chat") -> str:
    """End the chat without the ten seconds to undo it, and return the session's id."""
    page.locator("summary", has_text="End").locator("visible=true").click()
    page.get_by_role("button", name=choice).click()
    page.get_by_role("button", name="End now").click()
    return wait_for_session_id(page)


def begin_chat(page: Page) -> None:
    page.get_by_role("button", name="Start the chat").click()
    expect(page.get_by_label("Your message")).to_be_focused()


def send_message(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def expect_caller_answer(page: Page, count: int) -> None:
    """Expect `count` lines, the last of them the caller's complete answer."""
    expect(transcript_lines(page)).to_have_count(count)
    expect(transcript_lines(page).last).to_have_attribute("data-speaker", "caller")
    expect(transcript_lines(page).last).to_have_attribute("data-final", "true")
