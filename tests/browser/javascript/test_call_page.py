"""The JavaScript module `call-page.js` in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script

CALL_PAGE = """
<article id="call" data-live-session-id="7" data-line-kept-ms="60000">
  <span data-elapsed="0"></span><select data-devices></select><button data-action="mute"></button>
  <div data-consent="v1"></div>
  <div><div data-log><ol></ol><template><li></li></template></div><button data-transcript-more></button></div>
</article>
"""


@pytest.mark.parametrize(
    ("steps", "sockets", "phase"),
    [
        (["ready", 1006], 2, "connecting"),
        (["ready", 1008, "ready"], 2, "talking"),
        (["ready", 1008, 1008], 2, "lost"),
        (["ready", 1008, 1009], 2, "lost"),
        (["ready", 1008, 1006, 1008], 4, "connecting"),
        (["ready", 1008, "ready", "10 s", 1008, "ready"], 3, "talking"),
        (["ready", 1008, "ready", 1008], 2, "lost"),
    ],
)
def test_call_page_stops_reconnecting_after_two_protocol_errors_in_a_row(
    page: Page, steps: list[int | str], sockets: int, phase: str
) -> None:
    result = run_script(
        page,
        """
        document.body.innerHTML = argument.html;
        const sockets = [];
        let opened = Promise.withResolvers();
        window.WebSocket = class {
          readyState = 1;
          constructor() { sockets.push(this); opened.resolve(); }
          send() {}
          close() {}
        };
        const { CallPage } = await from("call-page");
        const root = document.querySelector("#call");
        const call = new CallPage(root);
        const session = { id: "7", page: "/", status: "active", transcript: [] };
        call.api = { read: async () => session, ticket: async () => ({ url: "ws://gateway.test/", ticket: "t" }) };
        call.typeInstead();
        await call.start();
        sockets[0].onopen();
        let now = 0;
        window.performance.now = () => now;
        for (const step of argument.steps) {
          if (step === "10 s") {
            now += 10000;
            continue;
          }
          opened = Promise.withResolvers();
          const socket = sockets.at(-1);
          if (step === "ready") {
            socket.onmessage({ data: JSON.stringify({ type: "ready", epoch: 1, recording: false }) });
            continue;
          }
          const lost = Promise.withResolvers();
          const look = () => root.dataset.phase === "lost" && lost.resolve();
          new MutationObserver(look).observe(root, { attributes: true });
          socket.onclose({ code: step });
          await Promise.race([opened.promise, lost.promise]);
        }
        return [sockets.length, root.dataset.phase];
        """,
        {"html": CALL_PAGE, "steps": steps},
    )

    assert result == [sockets, phase]
