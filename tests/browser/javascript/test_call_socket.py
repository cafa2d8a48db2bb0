"""The JavaScript module `call-socket.js` in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_audio_frames_are_little_endian_with_their_header(page: Page) -> None:
    result = run_script(
        page,
        """
        const { encodeAudio, decodeAudio } = await from("call-socket");
        const bytes = [...new Uint8Array(encodeAudio(0x01020304, Int16Array.of(-2, 256)))];
        const down = Uint8Array.of(1, 0, 7, 1, 4, 3, 2, 1, 0xfe, 0xff, 0, 1).buffer;
        const { item, index, pcm } = decodeAudio(down);
        return [bytes, item, index, [...pcm]];
        """,
    )

    assert result == [[1, 0, 0, 0, 4, 3, 2, 1, 0xFE, 0xFF, 0, 1], 0x0107, 0x01020304, [-2, 256]]


@pytest.mark.parametrize("frame", [[], [1, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 5]])
def test_decode_audio_refuses_an_invalid_frame(page: Page, frame: list[int]) -> None:
    refused = run_script(
        page,
        """
        const { decodeAudio } = await from("call-socket");
        try { decodeAudio(Uint8Array.from(argument).buffer); } catch (error) { return error.name; }
        """,
        frame,
    )

    assert refused == "RangeError"


SOCKET = """
const { CallSocket } = await from("call-socket");
class FakeWebSocket {
  sent = []; readyState = 0; bufferedAmount = 0;
  constructor(url, protocols) { Object.assign(this, { url, protocols }); FakeWebSocket.last = this; }
  open() { this.readyState = 1; this.onopen(); }
  send(data) { this.sent.push(typeof data === "string" ? JSON.parse(data) : data.byteLength); }
  close(code) { this.readyState = 3; this.closedWith = code; }
}
const received = [];
const socket = new CallSocket(
  { url: "ws://line.test/ws/calls/7/", ticket: "abc.def", lastRevision: 4, record: true, consent: "1" },
  { audio: (a) => received.push(a.item), message: (m) => received.push(m.type), closed: (c) => received.push(c) },
  FakeWebSocket);
const webSocket = FakeWebSocket.last;
"""


def test_socket_offers_its_ticket_and_sends_hello_first(page: Page) -> None:
    result = run_script(
        page,
        SOCKET
        + """
        const early = socket.say("too early");
        webSocket.open();
        socket.say("hi"); socket.mute(true); socket.played({ item: 1, samples: 480, final: false }, 960);
        socket.hangUp();
        return [webSocket.url, webSocket.protocols, webSocket.binaryType, early, webSocket.sent];
        """,
    )

    assert result == [
        "ws://line.test/ws/calls/7/?record=true&consent=1",
        ["steadyline.v1", "ticket.abc.def"],
        "arraybuffer",
        False,
        [
            {"type": "hello", "last_revision": 4},
            {"type": "say", "text": "hi"},
            {"type": "mute", "on": True},
            {"type": "played", "item": 1, "samples": 480, "at_mic_sample": 960, "final": False},
            {"type": "hang_up"},
        ],
    ]


def test_socket_skips_microphone_frames_while_its_buffer_is_full(page: Page) -> None:
    result = run_script(
        page,
        SOCKET
        + """
        webSocket.open();
        const sent = [0, 256 * 1024, 256 * 1024 + 1].map((waiting) => {
          webSocket.bufferedAmount = waiting;
          return socket.sendAudio(0, new Int16Array(960));
        });
        return [sent, webSocket.sent.slice(1)];
        """,
    )

    assert result == [[True, True, False], [1928, 1928]]


def test_socket_distinguishes_refused_and_lost_connections(page: Page) -> None:
    result = run_script(
        page,
        SOCKET
        + """
        webSocket.onclose({ code: 1006 });
        webSocket.open();
        webSocket.onmessage({ data: '{"type": "ready"}' });
        webSocket.onmessage({ data: Uint8Array.of(1, 0, 2, 0, 0, 0, 0, 0).buffer });
        webSocket.onclose({ code: 1012 });
        return received;
        """,
    )

    assert result == [{"code": 1006, "opened": False}, "ready", 2, {"code": 1012, "opened": True}]
