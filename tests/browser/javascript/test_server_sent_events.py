"""The JavaScript module `server-sent-events.js` in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script

STREAM = (
    'event: turn\r\ndata: {"a": 1}\r\n\r\n: still here\n\n'
    'event: delta\ndata: {"text":\ndata: " ö"}\n\ndata:x\r\rdata: cut off'
)
EVENTS = [
    {"event": "turn", "data": '{"a": 1}'},
    {"event": "delta", "data": '{"text":\n" ö"}'},
    {"event": "message", "data": "x"},
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_event_parser_does_not_depend_on_the_chunk_size(page: Page, size: int) -> None:
    events = run_script(
        page,
        """
        const { EventParser } = await from("server-sent-events");
        const parser = new EventParser();
        const events = [];
        for (let at = 0; at < argument.stream.length; at += argument.size) {
          events.push(...parser.push(argument.stream.slice(at, at + argument.size)));
        }
        return events;
        """,
        {"stream": STREAM, "size": size},
    )

    assert events == EVENTS


def test_read_events_decodes_split_utf8_characters(page: Page) -> None:
    events = run_script(
        page,
        """
        const { readEvents } = await from("server-sent-events");
        const bytes = new TextEncoder().encode('event: delta\\ndata: {"text": "möglich"}\\n\\n');
        const body = new ReadableStream({
          start(stream) { for (const byte of bytes) stream.enqueue(Uint8Array.of(byte)); stream.close(); },
        });
        const events = [];
        for await (const event of readEvents(new Response(body))) events.push(event);
        return events;
        """,
    )

    assert events == [{"event": "delta", "data": {"text": "möglich"}}]
