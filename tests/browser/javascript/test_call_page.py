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


TYPING_SCRIPT = """
document.body.innerHTML = argument.html;
const sent = [], sockets = [];
let opened = Promise.withResolvers();
window.WebSocket = class {
  readyState = 1;
  constructor() { sockets.push(this); opened.resolve(); }
  send(data) { sent.push(JSON.parse(data)); }
  close() {}
};
const { CallPage } = await from("call-page");
const root = document.querySelector("#call");
const box = root.querySelector("[name=text]");
const call = new CallPage(root);
const session = { id: "7", page: "/", status: "active", transcript: [] };
call.api = { read: async () => session, ticket: async () => ({ url: "ws://gateway.test/", ticket: "t" }) };
const type = (text) => { box.value = text; call.sendTyped(); };
const receive = (message) => sockets.at(-1).onmessage({ data: JSON.stringify(message) });
const said = () => sent.filter(({ type }) => type === "say").map(({ text }) => text);
const state = () => [said(), box.value, root.querySelector("[data-live-text=notice]").textContent];
call.typeInstead();
const starting = call.start();
"""
TYPING_PAGE = CALL_PAGE.replace(
    "</article>",
    '<form data-say><input name="text"></form><p data-if="notice"><span data-live-text="notice"></span></p></article>',
).replace("<li></li>", "<li><b data-name></b><p data-text></p><i data-cut-off></i></li>")


def test_line_typed_while_connecting_stays_in_the_box_and_is_sent_once_connected(page: Page) -> None:
    states = run_script(
        page,
        TYPING_SCRIPT
        + """
        type("Are you there?");
        const before = state();
        await starting;
        sockets[0].onopen();
        receive({ type: "ready", epoch: 1, recording: false });
        return [before, state()];
        """,
        {"html": TYPING_PAGE},
    )

    waiting = "Your words stay in the box and are sent as soon as the caller is on the line."
    assert states == [[[], "Are you there?", waiting], [["Are you there?"], "", ""]]


def test_line_that_the_gateway_refused_is_back_in_the_box(page: Page) -> None:
    states = run_script(
        page,
        TYPING_SCRIPT
        + """
        await starting;
        sockets[0].onopen();
        receive({ type: "ready", epoch: 1, recording: false });
        type("One.");
        type("Two.");
        const turn = { revision: 1, item: "a", after: null, role: "counselor", text: "One.", final: true };
        receive({ type: "turn", ...turn, start_ms: 0, interrupted: false });
        box.value = "Three";
        receive({ type: "notice", code: "typed_too_fast" });
        receive({ type: "notice", code: "typed_too_fast" });
        return state();
        """,
        {"html": TYPING_PAGE},
    )

    assert states[:2] == [["One.", "Two."], "Two. Three"]
    assert states[2].startswith("That was more than the caller can take in at once.")
