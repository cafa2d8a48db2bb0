"""The JavaScript module `chat-page.js` in a real browser."""

from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_counter_text_counts_characters_like_the_server(page: Page) -> None:
    result = run_script(
        page,
        """
        const { counterText } = await from("chat-page");
        return ["a".repeat(8999), "a".repeat(9500), "🙂".repeat(10000), "a".repeat(10002)].map(counterText);
        """,
    )

    assert result == ["", "500 characters left", "0 characters left", "2 characters too many"]
