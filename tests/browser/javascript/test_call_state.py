"""The JavaScript module `call-state.js` in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def call_state_after(page: Page, *events: dict[str, object]) -> dict[str, Any]:
    return run_script(
        page,
        """
        const { initialState, reduce } = await from("call-state");
        const { presenceOf } = await from("call-presence");
        const state = argument.reduce(reduce, initialState);
        const { look, title } = presenceOf(state);
        return { ...state, look, words: title };
        """,
        list(events),
    )


START = {"type": "start"}
SESSION = {"type": "session", "session": {"id": "7", "page": "/sessions/7/"}}
LINE = {"type": "line_ready", "recording": True}
LOST = {"type": "line_lost", "problem": {"message": "gone"}}


@pytest.mark.parametrize(
    ("events", "phase", "words"),
    [
        ([], "ready", "Not connected"),
        ([START], "connecting", "Connecting…"),
        ([START, SESSION], "connecting", "Ringing…"),
        ([START, SESSION, LINE], "talking", "The caller is listening"),
        ([START, SESSION, LINE, {"type": "notice", "code": "caller_reconnecting"}], "talking", "Caller reconnecting…"),
        ([START, SESSION, LINE, LOST], "lost", "Disconnected"),
        ([START, SESSION, LINE, {"type": "line_broke"}], "connecting", "Reconnecting…"),
        ([START, SESSION, LINE, {"type": "line_broke"}, LINE], "talking", "The caller is listening"),
        ([START, SESSION, LINE, {"type": "line_broke"}, LOST], "lost", "Disconnected"),
        ([START, SESSION, {"type": "line_broke"}], "connecting", "Ringing…"),
        ([START, SESSION, LINE, LOST, START, LINE], "talking", "The caller is listening"),
        ([START, SESSION, LINE, {"type": "hang_up"}], "ending", "Hanging up…"),
        ([START, SESSION, LINE, {"type": "hang_up"}, LOST], "ending", "Hanging up…"),
        ([START, SESSION, LINE, {"type": "ended", "reason": "idle"}, LOST], "ended", "Call ended"),
        ([START, {"type": "not_started", "problem": {"message": "no"}}], "ready", "Not connected"),
        ([LOST], "ready", "Not connected"),
    ],
)
def test_reduce_moves_the_call_through_its_phases(
    page: Page, events: list[dict[str, object]], phase: str, words: str
) -> None:
    state = call_state_after(page, *events)

    assert (state["phase"], state["words"]) == (phase, words)


def test_call_is_leaving_only_after_the_counselor_hung_up(page: Page) -> None:
    ended = {"type": "ended", "reason": "hung_up"}

    assert call_state_after(page, START, SESSION, LINE, ended)["isLeaving"] is False
    assert call_state_after(page, START, SESSION, LINE, {"type": "hang_up"}, ended)["isLeaving"] is True


def test_reduce_keeps_the_first_end_reason_and_the_mute(page: Page) -> None:
    muted = {"type": "mute", "on": True}

    state = call_state_after(
        page, START, SESSION, LINE, muted, LOST, START, LINE, *({"type": "ended", "reason": r} for r in "ab")
    )

    assert (state["reason"], state["isMuted"], state["isRecording"]) == ("a", True, True)
