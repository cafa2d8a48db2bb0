"""The JavaScript module `reconnect.js` in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_reconnect_schedule_backs_off_for_one_minute(page: Page) -> None:
    waits = run_script(
        page,
        """
        const { ReconnectSchedule } = await from("reconnect");
        const schedule = new ReconnectSchedule(1000, 60_000, () => 0);
        const waits = [];
        let now = 1000;
        for (let wait; (wait = schedule.nextDelay(now)) !== null; now += wait + 1000) waits.push(wait);
        return [waits, now];
        """,
    )

    assert waits[0][:7] == [0, 500, 1000, 2000, 3000, 5000, 5000]
    assert 61_000 <= waits[1] <= 67_000


@pytest.mark.parametrize(
    ("code", "before", "expected"),
    [(1006, 1006, True), (1012, None, True), (4008, 4008, True), (1008, None, True), (1008, 1006, True)]
    + [(1008, 1008, False), (1009, 1008, False), (4001, None, False), (4002, None, False)],
)
def test_should_reconnect_depends_on_the_close_codes(page: Page, code: int, before: int | None, expected: bool) -> None:
    script = 'const { shouldReconnect } = await from("reconnect"); return shouldReconnect(...argument);'

    assert run_script(page, script, [code, before]) is expected
