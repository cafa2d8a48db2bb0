"""The pages' JavaScript modules in a real browser, without the pages."""

import math
from typing import Any

import pytest
from playwright.sync_api import Page

LOAD = """
const from = (name) => import(`/static/training/${name}.js`);
const sine = (rate, hertz, seconds) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate));
"""


def run_script(page: Page, body: str, argument: object = None) -> Any:
    """Run a script with `from("module")` and `argument` in scope and return its result."""
    return page.evaluate(f"async (argument) => {{ {LOAD} {body} }}", argument)


# ---- Resampling


@pytest.mark.parametrize("rate", [48000, 44100, 16000, 24000, 96000])
def test_resampler_keeps_duration_and_pitch(page: Page, rate: int) -> None:
    heard = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        const resampler = new Resampler(argument, 24000);
        const tone = sine(argument, 440, 1);
        const out = new Float32Array(25000);
        let count = 0;
        for (let at = 0; at < tone.length; at += 128) {
          resampler.push(tone.subarray(at, at + 128));
          count += resampler.pull(out, count);
        }
        resampler.finish();
        count += resampler.pull(out, count);
        let worst = 0;
        for (let i = 100; i < count - 100; i++) {
          worst = Math.max(worst, Math.abs(out[i] - 0.5 * Math.sin((2 * Math.PI * 440 * i) / 24000)));
        }
        return { count, worst };
        """,
        rate,
    )

    # Each sample matches the tone: the pitch is right, no sample is lost, and block boundaries do not click.
    assert heard["count"] == 24000
    assert heard["worst"] < 0.001


def test_resampler_filters_frequencies_above_the_output_band(page: Page) -> None:
    loudness = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        const { loudness } = await from("microphone-core");
        const resampler = new Resampler(48000, 24000);
        resampler.push(sine(48000, 15000, 1));
        const out = new Float32Array(24000);
        const count = resampler.pull(out);
        return loudness(out.subarray(100, count - 100));
        """,
    )

    assert loudness < 0.001


def test_resampler_reports_the_input_that_it_needs(page: Page) -> None:
    counts = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        return [48000, 44100, 16000].map((rate) => {
          const resampler = new Resampler(24000, rate);
          const pulled = [];
          for (let block = 0; block < 500; block++) {
            resampler.push(new Float32Array(resampler.needed(128)));
            pulled.push(resampler.pull(new Float32Array(128)));
          }
          return [Math.min(...pulled), resampler.needed(1) <= 4, resampler.position];
        });
        """,
    )

    assert counts == [[128, True, math.floor(500 * 128 * 24000 / rate)] for rate in (48000, 44100, 16000)]


# ---- Microphone


def test_microphone_core_emits_indexed_frames_of_40_ms(page: Page) -> None:
    frames = run_script(
        page,
        """
        const { MicrophoneCore } = await from("microphone-core");
        const frames = [];
        const core = new MicrophoneCore(48000, (frame) => frames.push(frame));
        const tone = sine(48000, 440, 1);
        for (let at = 0; at < tone.length; at += 128) core.addSamples(tone.subarray(at, at + 128));
        return frames.map(({ index, pcm, level }) => [index, pcm.length, Math.round(level * 100), pcm[500]]);
        """,
    )

    assert [frame[:2] for frame in frames] == [[960 * number, 960] for number in range(24)]
    assert {frame[2] for frame in frames[1:]} == {35}
    expected = [round(0.5 * 32767 * math.sin(2 * math.pi * 440 * (960 * number + 500) / 24000)) for number in range(24)]
    assert max(abs(frame[3] - want) for frame, want in zip(frames, expected, strict=True)) <= 20


def test_muted_microphone_core_emits_silence_and_keeps_counting(page: Page) -> None:
    frames = run_script(
        page,
        """
        const { MicrophoneCore } = await from("microphone-core");
        const frames = [];
        const core = new MicrophoneCore(24000, (frame) => frames.push(frame));
        core.muted = true;
        core.addSamples(sine(24000, 440, 0.1));
        return frames.map(({ index, pcm, level }) => [index, Math.max(...pcm), level]);
        """,
    )

    assert frames == [[0, 0, 0], [960, 0, 0]]


def test_to_pcm16_clips_at_full_scale(page: Page) -> None:
    values = run_script(
        page, 'const { toPcm16 } = await from("microphone-core"); return [...toPcm16([0, 1, -1, 2, -2, 0.5])];'
    )

    assert values == [0, 32767, -32767, 32767, -32767, 16384]


# ---- Player

PLAYER = """
const { PlayerCore } = await from("player-core");
const reports = [];
const player = new PlayerCore(48000, (report) => reports.push(report));
const voice = (samples, value = 8000) => new Int16Array(samples).fill(value);
let frame = 0;
const render = (blocks) => {
  const out = new Float32Array(128 * blocks);
  for (let i = 0; i < blocks; i++, frame += 128) player.render(out.subarray(128 * i, 128 * i + 128), frame);
  return out;
};
"""


def test_player_reports_an_item_to_its_end(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        for (let at = 0; at < 12000; at += 1000) player.play(1, at, voice(1000));
        player.endItem(1);
        render(400);
        return reports;
        """,
    )

    # 200 ms are 9,600 frames; reports fall on the end of a block of 128.
    assert result == [
        {"item": 1, "samples": 4800, "final": False, "frame": 9600},
        {"item": 1, "samples": 9600, "final": False, "frame": 19200},
        {"item": 1, "samples": 12000, "final": True, "frame": 24000},
    ]


def test_player_renders_the_received_audio(page: Page) -> None:
    worst = run_script(
        page,
        PLAYER
        + """
        const { toPcm16 } = await from("microphone-core");
        const tone = toPcm16(sine(24000, 440, 1));
        for (let at = 0; at < tone.length; at += 2400) player.play(1, at, tone.subarray(at, at + 2400));
        player.endItem(1);
        const out = render(375);
        let worst = 0;
        for (let i = 100; i < 47900; i++) {
          worst = Math.max(worst, Math.abs(out[i] - 0.5 * Math.sin((2 * Math.PI * 440 * i) / 48000)));
        }
        return worst;
        """,
    )

    assert worst < 0.001


def test_player_waits_for_late_audio_and_for_the_items_end(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(480));
        render(100);
        const starved = reports.at(-1);
        player.play(1, 480, voice(480));
        render(100);
        const allPlayed = reports.at(-1);
        player.endItem(1);
        render(1);
        return [starved.samples, starved.final, allPlayed.final, reports.at(-1).samples, reports.at(-1).final];
        """,
    )

    assert result[1:] == [False, False, 960, True]
    assert 440 <= result[0] <= 480


def test_resume_continues_where_pause_stopped(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(24000));
        player.endItem(1);
        render(50);
        player.pause();
        const atPause = reports.at(-1);
        const quiet = render(200);
        const inPause = reports.length;
        player.resume();
        render(400);
        return { atPause, silence: Math.max(...quiet.subarray(128).map(Math.abs)), inPause, last: reports.at(-1) };
        """,
    )

    assert result["atPause"] == {"item": 1, "samples": 3200, "final": False, "frame": 6400}
    assert result["silence"] == 0
    assert result["inPause"] == 1
    assert result["last"] == {"item": 1, "samples": 24000, "final": True, "frame": 128 * 250 + 2 * (24000 - 3200)}


def test_flush_discards_items_and_drops_late_audio(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(3, 0, voice(24000));
        player.endItem(3);
        player.play(4, 0, voice(24000));
        render(30);
        player.pause();
        reports.length = 0;
        player.flush(3);
        player.play(3, 24000, voice(960));
        player.play(4, 24000, voice(960));
        player.endItem(4);
        const after = render(20);
        const silence = Math.max(...after.subarray(128).map(Math.abs));
        player.play(5, 0, voice(480, 16384));
        player.endItem(5);
        const next = render(10);
        return { reports, silence, next: next[600] };
        """,
    )

    assert result["silence"] == 0
    assert result["reports"] == [
        {"item": 3, "samples": 1920, "final": True, "frame": 3840},
        {"item": 5, "samples": 480, "final": True, "frame": 128 * 50 + 960},
    ]
    assert result["next"] == pytest.approx(0.5, abs=0.001)


def test_flush_of_a_finished_or_unknown_item_is_answered(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(480));
        player.endItem(1);
        player.play(2, 0, voice(4800));
        render(20);
        reports.length = 0;
        player.flush(1);
        player.flush(9);
        return reports.map(({ item, samples, final }) => [item, samples, final]);
        """,
    )

    assert result == [[1, 480, True], [2, 800, True], [9, 0, True]]


def test_item_without_audio_ends_at_once_and_reset_discards_everything(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.endItem(1);
        render(1);
        player.play(2, 0, voice(4800));
        render(2);
        player.reset();
        const silence = Math.max(...render(3).subarray(128));
        player.play(1, 0, voice(480));
        player.endItem(1);
        render(10);
        return [silence, reports.map(({ item, samples, final }) => [item, samples, final])];
        """,
    )

    assert result == [0, [[1, 0, True], [1, 480, True]]]


def test_interrupted_audio_does_not_click(page: Page) -> None:
    steps = run_script(
        page,
        PLAYER
        + """
        const { toPcm16 } = await from("microphone-core");
        const tone = toPcm16(sine(24000, 300, 1));
        const out = [];
        player.play(1, 0, tone);
        out.push(...render(21));
        player.pause();
        out.push(...render(5));
        player.resume();
        out.push(...render(7));
        player.flush(1);
        out.push(...render(4));
        player.play(2, 0, tone.subarray(0, 2013));
        out.push(...render(60));
        player.play(2, 2013, tone.subarray(2013, 9000));
        out.push(...render(20));
        return Math.max(...out.map((value, i) => (i ? Math.abs(value - out[i - 1]) : 0)));
        """,
    )

    # The tone itself changes by up to 0.0196 between samples; a click would change by up to 0.5.
    assert steps < 0.03


def test_ring_wraps_around_and_is_bounded(page: Page) -> None:
    result = run_script(
        page,
        """
        const { Ring } = await from("player-core");
        const ring = new Ring(10);
        const seen = [];
        for (let round = 0; round < 3; round++) {
          const taken = ring.add(Int16Array.from({ length: 7 }, (_, i) => 1000 * (i + 1)));
          const out = new Float32Array(taken);
          ring.take(out);
          seen.push([...out].map((value) => Math.round(value * 32.768)));
        }
        const first = ring.add(new Int16Array(8));
        return [seen, first, ring.add(new Int16Array(8)), ring.length];
        """,
    )

    assert result == [[[1, 2, 3, 4, 5, 6, 7]] * 3, 8, 2, 10]


# ---- Protocol


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
class Line {
  sent = []; readyState = 0; bufferedAmount = 0;
  constructor(url, protocols) { Object.assign(this, { url, protocols }); Line.last = this; }
  open() { this.readyState = 1; this.onopen(); }
  send(data) { this.sent.push(typeof data === "string" ? JSON.parse(data) : data.byteLength); }
  close(code) { this.readyState = 3; this.closedWith = code; }
}
const heard = [];
const socket = new CallSocket(
  { url: "ws://line.test/ws/calls/7/", ticket: "abc.def", lastRevision: 4, record: true, consent: "1" },
  { audio: (a) => heard.push(a.item), message: (m) => heard.push(m.type), closed: (c) => heard.push(c) }, Line);
const line = Line.last;
"""


def test_socket_offers_its_ticket_and_sends_hello_first(page: Page) -> None:
    result = run_script(
        page,
        SOCKET
        + """
        const early = socket.say("too early");
        line.open();
        socket.say("hi"); socket.mute(true); socket.played({ item: 1, samples: 480, final: false }, 960);
        socket.hangUp();
        return [line.url, line.protocols, line.binaryType, early, line.sent];
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
        line.open();
        const sent = [0, 256 * 1024, 256 * 1024 + 1].map((waiting) => {
          line.bufferedAmount = waiting;
          return socket.sendAudio(0, new Int16Array(960));
        });
        return [sent, line.sent.slice(1)];
        """,
    )

    assert result == [[True, True, False], [1928, 1928]]


def test_socket_distinguishes_refused_and_lost_connections(page: Page) -> None:
    result = run_script(
        page,
        SOCKET
        + """
        line.onclose({ code: 1006 });
        line.open();
        line.onmessage({ data: '{"type": "ready"}' });
        line.onmessage({ data: Uint8Array.of(1, 0, 2, 0, 0, 0, 0, 0).buffer });
        line.onclose({ code: 1012 });
        return heard;
        """,
    )

    assert result == [{"code": 1006, "opened": False}, "ready", 2, {"code": 1012, "opened": True}]


# ---- Transcript

TURNS = """
const { Transcript } = await from("transcript");
const transcript = new Transcript();
const turn = (item, after, more) =>
  transcript.put({ item, after, role: "caller", text: item, final: true, revision: 1, ...more });
const items = () => transcript.ordered().map((one) => one.text).join(" ");
"""


def test_transcript_does_not_depend_on_the_order_of_arrival(page: Page) -> None:
    orders = run_script(
        page,
        """
        const { Transcript } = await from("transcript");
        const turns = [["a", null], ["b", "a"], ["c", "b"], ["d", "c"]];
        const without = (list, one) => list.filter((other) => other !== one);
        const permutations = (list) =>
          list.length < 2
            ? [list]
            : list.flatMap((one) => permutations(without(list, one)).map((rest) => [one, ...rest]));
        return permutations(turns).map((order) => {
          const transcript = new Transcript();
          for (const [item, after] of order) transcript.put({ item, after, final: true, revision: 1 });
          return transcript.ordered().map((turn) => turn.item).join("");
        });
        """,
    )

    assert (len(orders), set(orders)) == (24, {"abcd"})


def test_transcript_replaces_a_turn_only_with_a_newer_revision(page: Page) -> None:
    result = run_script(
        page,
        TURNS
        + """
        turn("a", "", { final: false, text: "I", revision: 3 });
        turn("a", "", { final: false, text: "I am", revision: 4 });
        const growing = [items(), transcript.revision];
        turn("a", "", { text: "I am here", revision: 5 });
        turn("a", "", { final: false, text: "I am", revision: 4 });
        turn("a", "", { text: "old", revision: 2 });
        return [growing, items(), transcript.revision];
        """,
    )

    assert result == [["I am", 0], "I am here", 5]


def test_transcript_keeps_turns_whose_predecessor_is_missing_or_removed(page: Page) -> None:
    result = run_script(
        page,
        TURNS
        + """
        turn("a", null); turn("c", "b"); turn("z", "c");
        const before = items();
        turn("b", "a");
        const after = items();
        transcript.remove("b");
        return [before, after, items()];
        """,
    )

    assert result == ["a c z", "a b c z", "a c z"]


# ---- Server-sent events

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


# ---- Call states


def call_state_after(page: Page, *events: dict[str, object]) -> dict[str, Any]:
    return run_script(
        page,
        """
        const { initialState, reduce, connectionText } = await from("call-state");
        const state = argument.reduce(reduce, initialState);
        return { ...state, words: connectionText(state) };
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
        ([START, SESSION, LINE], "talking", "Connected"),
        ([START, SESSION, LINE, {"type": "notice", "code": "caller_reconnecting"}], "talking", "Caller reconnecting…"),
        ([START, SESSION, LINE, LOST], "lost", "Disconnected"),
        ([START, SESSION, LINE, {"type": "line_broke"}], "connecting", "Reconnecting…"),
        ([START, SESSION, LINE, {"type": "line_broke"}, LINE], "talking", "Connected"),
        ([START, SESSION, LINE, {"type": "line_broke"}, LOST], "lost", "Disconnected"),
        ([START, SESSION, {"type": "line_broke"}], "connecting", "Ringing…"),
        ([START, SESSION, LINE, LOST, START, LINE], "talking", "Connected"),
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
    ("code", "before", "comes_back"),
    [(1006, 1006, True), (1012, None, True), (4008, 4008, True), (1008, None, True), (1008, 1006, True)]
    + [(1008, 1008, False), (1009, 1008, False), (4001, None, False), (4002, None, False)],
)
def test_should_reconnect_depends_on_the_close_codes(
    page: Page, code: int, before: int | None, comes_back: bool
) -> None:
    script = 'const { shouldReconnect } = await from("reconnect"); return shouldReconnect(...argument);'

    assert run_script(page, script, [code, before]) is comes_back


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


# ---- Reconnection of the call page

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


# ---- Character counts


def test_counter_words_counts_characters_like_the_server(page: Page) -> None:
    result = run_script(
        page,
        """
        const { counterText } = await from("chat-page");
        return ["a".repeat(8999), "a".repeat(9500), "🙂".repeat(10000), "a".repeat(10002)].map(counterText);
        """,
    )

    assert result == ["", "500 characters left", "0 characters left", "2 characters too many"]


# ---- Both worklets in a real AudioContext


def test_player_and_microphone_share_one_clock(page: Page) -> None:
    # The player plays one second while the microphone counts. On the microphone's clock, the end of that second has to
    # be one second after its start.
    result = run_script(
        page,
        """
        const { CallAudio } = await from("call-audio");
        const frames = [], reports = [];
        let done;
        const over = new Promise((resolve) => (done = resolve));
        const audio = await CallAudio.open({
          level() {}, callerLevel() {}, microphoneStopped() {},
          frame: ({ index, pcm }) => frames.push([index, pcm.length]),
          played: (report, at) => { reports.push({ ...report, at }); if (report.final) done(); },
        });
        await audio.useMicrophone({ raw: true });
        await audio.startClock();
        audio.play({ item: 1, index: 0, pcm: new Int16Array(24000) });
        audio.sendToPlayer("item_end", 1);
        await over;
        await audio.close();
        return { frames, reports };
        """,
    )

    assert result["frames"] == [[960 * number, 960] for number in range(len(result["frames"]))]
    assert len(result["frames"]) >= 24
    final = result["reports"][-1]
    assert (final["item"], final["samples"], final["final"]) == (1, 24000, True)
    for report in result["reports"]:
        assert abs((final["at"] - report["at"]) - (final["samples"] - report["samples"])) <= 1


def test_playback_without_a_microphone_has_a_clock(page: Page) -> None:
    result = run_script(
        page,
        """
        const { CallAudio } = await from("call-audio");
        let frames = 0, done;
        const over = new Promise((resolve) => (done = resolve));
        const audio = await CallAudio.open({
          level() {}, callerLevel() {}, microphoneStopped() {},
          frame: () => frames++,
          played: (report, at) => report.final && done({ ...report, at }),
        });
        await audio.startClock();
        audio.play({ item: 1, index: 0, pcm: new Int16Array(2400) });
        audio.sendToPlayer("flush", 1);
        const report = await over;
        await audio.close();
        return [frames, report.item, report.samples <= 2400, Number.isInteger(report.at)];
        """,
    )

    assert result == [0, 1, True, True]
