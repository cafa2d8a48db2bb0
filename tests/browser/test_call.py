"""Practice calls in a real browser, with the real web server, gateway, worker, and stand-in."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.chromium import FAKE_MICROPHONE, fail_microphone
from tests.browser.demo_site import CALLS, CHAT, DEMO_PASSWORD, DemoSite, PageMonitor
from tests.browser.practice_actions import (
    call_panel,
    expect_evidence,
    grade_badge,
    hang_up,
    line_patterns,
    open_tab,
    saved_lines,
    start_typing,
    transcript_lines,
    type_line,
    wait_until_true,
)
from tests.browser.tones import Samples, ToneBurst, find_tones, loudness, read_stereo, write_microphone

# The fake microphone plays a one-second tone every five seconds, with alternating pitch. The pause is long enough for
# the caller to start an answer and short enough to interrupt it. The call may begin anywhere in the file.
PERIOD = 5.0  # seconds
SPEECH = [ToneBurst(0.5, 1.0, 440.0), ToneBurst(0.5 + PERIOD, 1.0, 660.0)]
CALLERS_OPENING = re.compile("Hi|Hello|Good evening|Yes, hello")
SIMULATED = re.compile(r"\[simulated transcript: \d+\.\d s of speech\]")


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    microphone = write_microphone(tmp_path_factory.mktemp("sounds") / "speech.wav", SPEECH, 2 * PERIOD)
    return [*FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={microphone}"]


def session_of(page: Page) -> str:
    """Return the id of the current session."""
    address = page.locator("#call [data-session-link]").get_attribute("href")
    assert address
    return address.rstrip("/").rpartition("/")[2]


# ---- A new user's first call


def log_in(page: Page) -> None:
    page.get_by_label("Email").fill("counselor@example.org")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Log in").click()


def assigned_calls(page: Page) -> Locator:
    """Return the links to assigned calls on Today."""
    return page.locator('main a[href*="/training/voice/"]:not([href*="/free/"], [href*="/warm-up/"])')


def check_today(page: Page) -> None:
    main = page.get_by_role("main")
    for title in (*CALLS, CHAT):
        expect(main.get_by_text(title, exact=True).first).to_be_visible()
    expect(assigned_calls(page)).to_have_count(len(CALLS))
    expect(main.get_by_text(re.compile(r"due \w+, \w{3} \d+$"))).to_have_count(len(CALLS) + 1)
    free = page.get_by_role("region", name="Practice freely")
    for name in ("Call", "Chat", "Choose a scenario"):
        expect(free.get_by_role("link", name=name, exact=True)).to_be_visible()


class PlayedReports:
    """`played` reports that the page sends to the gateway."""

    def __init__(self, page: Page) -> None:
        self.played: list[dict[str, Any]] = []
        page.on("websocket", lambda line: line.on("framesent", self._take))

    def _take(self, payload: str | bytes) -> None:
        message = json.loads(payload) if isinstance(payload, str) else {}
        if message.get("type") == "played":
            self.played.append(message)


def answer_the_phone(page: Page) -> None:
    page.get_by_role("button", name="Check the sound").click()
    expect(page.get_by_text("We can hear you.")).to_be_visible()
    page.get_by_role("button", name="Start the call").click()
    expect(call_panel(page)).to_have_attribute("data-phase", "talking")
    expect(page.get_by_text("Recording", exact=True)).to_be_visible()


def talk_and_interrupt(page: Page) -> None:
    """Expect a spoken turn, the caller's answer, and an interruption of that answer by the microphone."""
    expect(transcript_lines(page).first).to_have_attribute("data-speaker", "counselor")
    expect(transcript_lines(page).first).to_contain_text(SIMULATED)
    expect(transcript_lines(page).nth(1)).to_have_attribute("data-speaker", "caller")
    wait_until_true(page, "parseFloat(document.querySelector('#call').style.getPropertyValue('--caller-level')) > 0.3")
    expect(transcript_lines(page).nth(1).locator("[data-cut-off]")).to_be_visible()
    expect(transcript_lines(page).nth(2)).to_contain_text(SIMULATED)


def mute_and_type(page: Page) -> None:
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("You’re muted")).to_be_visible()
    page.get_by_role("button", name="Type", exact=True).click()
    question = "Are you thinking about suicide?"
    page.get_by_label("Type instead of speaking").fill(question)
    page.keyboard.press("Enter")
    expect(transcript_lines(page, speaker="counselor").last).to_contain_text(question)
    expect(transcript_lines(page, speaker="caller", final="true").last).to_contain_text(re.compile("Yes[.,]"))


def recording(page: Page) -> Locator:
    return page.get_by_label(re.compile("^Recording of"))


def feedback_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Feedback")


def read_feedback(page: Page) -> None:
    feedback = feedback_of(page)
    expect(grade_badge(page)).to_be_visible()
    # The only words that could be read are praised, so there is nothing to do differently.
    wanted = ["What went well", "One thing for next time", "Checks", "Questions to reflect on"]
    expect(feedback.get_by_role("heading", level=2)).to_have_text(wanted)
    expect(feedback.get_by_role("region", name="In numbers")).to_be_visible()
    expect(page.locator("[data-announce]")).to_have_text(re.compile("(Your feedback|The recording) is ready"))
    expect_evidence(page, "suicide")
    expect(page.get_by_role("heading", name="Graded against")).to_be_visible()
    open_tab(page, "Transcript")


def play_recording(page: Page) -> str:
    """Play the recording from the transcript's second line and return its address."""
    expect(recording(page)).to_be_visible()
    player = page.locator("#recording audio")
    player.evaluate("audio => audio.readyState >= 3 || new Promise((done) => (audio.oncanplay = () => done()))")
    place = page.locator("#turns .moment").nth(1)
    place.click()
    expect(player).to_have_js_property("paused", False)
    wanted = int(place.get_attribute("data-play-ms") or 0) / 1000
    reached, duration = player.evaluate("audio => [audio.currentTime, audio.duration]")
    assert wanted <= round(reached, 3) < wanted + 3 < duration  # Chromium's position is up to 1 µs less
    return str(player.get_attribute("src"))


def download(page: Page, audio_address: str) -> bytes:
    recording = audio_address.strip("/").split("/")[1]
    part = page.request.get(audio_address, headers={"Range": "bytes=1000-1999"})
    assert (part.status, len(part.body())) == (206, 1000)
    whole = page.request.get(f"/api/recordings/{recording}/download/")
    assert (whole.status, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.body()[1000:2000] == part.body()
    return whole.body()


Turn = dict[str, Any]


def check_turns(turns: list[Turn]) -> None:
    """Check for two spoken turns with an interrupted caller between them, then a typed turn with its whole answer."""
    assert [turn["role"] for turn in turns[:3]] == ["counselor", "caller", "counselor"]
    assert [turn["source"] for turn in turns if turn["role"] == "counselor"][:2] == ["spoken", "spoken"]
    opening, interruption = turns[1], turns[2]
    assert opening["interrupted"]
    assert CALLERS_OPENING.match(opening["text"])
    # The caller must be silent within two seconds of the first sound of the interruption.
    assert interruption["start_ms"] - 500 < opening["end_ms"] < interruption["start_ms"] + 2000
    assert (turns[-2]["source"], turns[-1]["interrupted"]) == ("typed", False)
    assert [turn["start_ms"] for turn in turns] == sorted(turn["start_ms"] for turn in turns)


def check_recording(wav: bytes, turns: list[Turn]) -> None:
    rate, left, right = read_stereo(wav)
    assert rate == 24_000
    spoken = [turn["start_ms"] / 1000 for turn in turns if turn["source"] == "spoken" and turn["role"] == "counselor"]
    bursts = find_tones(left, rate)
    assert len(bursts) == len(spoken)
    for burst, said_at in zip(bursts, spoken, strict=True):
        assert -0.1 <= burst.start - said_at < 0.6  # a turn starts slightly before its first sound
    check_tones(bursts)
    check_caller(right, rate, turns)


def check_tones(bursts: list[ToneBurst]) -> None:
    """Check the tones' pitch, order, and spacing. The first may be cut short, because the call can begin within it."""
    tones = [min(SPEECH, key=lambda sound: abs(sound.hertz - burst.hertz)) for burst in bursts]
    for burst, tone, next_tone in zip(bursts, tones, [*tones[1:], None], strict=True):
        # A pitch measurement is accurate to half a period in the measured time.
        assert abs(burst.hertz - tone.hertz) < max(5, 0.5 / burst.seconds)
        assert next_tone is not tone
    for before, after in itertools.pairwise(bursts):
        assert abs(after.end - before.end - PERIOD) < 0.1
    assert all(abs(burst.seconds - 1.0) < 0.1 for burst in bursts[1:])


def check_caller(right: Samples, rate: int, turns: list[Turn]) -> None:
    """Check that the caller is audible during each of the caller's turns and silent between them."""
    quiet_from = 0
    for turn in [turn for turn in turns if turn["role"] == "caller"]:
        start, end = (turn[name] * rate // 1000 for name in ("start_ms", "end_ms"))
        assert loudness(right[quiet_from : start - rate // 5]) < 0.001
        assert loudness(right[start:end]) > 0.02
        quiet_from = end + rate // 5
    assert loudness(right[quiet_from:]) < 0.001


def test_new_user_takes_a_first_call(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    page = open_page("/account/login/", permissions=["microphone"])
    log_in(page)
    check_today(page)
    assigned_calls(page).first.click()
    page.wait_for_url("**/training/voice/*/")
    page.goto(f"{page.url}?raw=1")
    reports = PlayedReports(page)
    answer_the_phone(page)
    talk_and_interrupt(page)
    mute_and_type(page)
    session = hang_up(page)
    expect(page.get_by_role("heading", level=1, name=CALLS[0])).to_be_visible()
    read_feedback(page)
    wav = download(page, play_recording(page))

    turns = demo_site.get_json("counselor@example.org", f"/api/sessions/{session}/")["transcript"]
    assert {report["item"] for report in reports.played if report["final"]} >= {1, 2}
    check_turns(turns)
    check_recording(wav, turns)
    page.goto("/")
    expect(assigned_calls(page)).to_have_count(1)


# ---- Without speaking


@pytest.mark.prove
def test_silent_call_is_opened_by_the_caller_after_six_seconds(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/training/voice/free/", counselor)
    page.get_by_label("What would you like to practice?").fill("somebody who hardly dares to speak")
    start_typing(page)
    expect(page.get_by_text("You’re answering the phone. Say your greeting.")).to_be_visible()

    expect(transcript_lines(page, speaker="caller", final="true")).to_have_count(1)
    session = hang_up(page)

    [opening] = demo_site.get_json(counselor, f"/api/sessions/{session}/")["transcript"]
    assert CALLERS_OPENING.match(opening["text"])
    assert 5_500 <= opening["start_ms"] < 15_000
    expect(page.get_by_text("Focus: somebody who hardly dares to speak")).to_be_visible()
    expect(feedback_of(page).get_by_text("Too short to grade.")).to_be_visible()


REFUSALS = {
    "permission denied": ("NotAllowedError", "This page can’t use your microphone."),
    "unplugged": ("NotFoundError", "No microphone was found."),
}


@pytest.mark.prove
@pytest.mark.parametrize("reason", REFUSALS)
def test_call_without_a_microphone_is_typed(open_page: Callable[..., Page], demo_site: DemoSite, reason: str) -> None:
    counselor = demo_site.add_counselor(CALLS[0])
    error, words = REFUSALS[reason]
    page = open_page(demo_site.practice_page(counselor, CALLS[0]), counselor)
    fail_microphone(page, error)

    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    expect(page.get_by_role("button", name="Try again").locator("visible=true")).to_have_count(1)
    start_typing(page)
    type_line(page, "Good evening, you have reached the crisis line.")
    type_line(page, "That sounds so lonely.")
    hang_up(page)

    expect(grade_badge(page)).to_be_visible()
    expect(saved_lines(page)).to_have_text(line_patterns("You.*typed", "Caller", "You.*typed", "Caller"))
    expect(recording(page)).to_be_visible()


def press_until_focused(page: Page, target: Locator) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Not reached with Tab: {target}")


def test_call_can_be_taken_by_keyboard_alone(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    page = open_page("/", demo_site.add_counselor(CALLS[1]))

    press_until_focused(page, assigned_calls(page).first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/training/voice/*/")
    page.wait_for_load_state()
    press_until_focused(page, page.get_by_role("button", name="Type", exact=True).locator("visible=true"))
    page.keyboard.press("Enter")
    press_until_focused(page, page.get_by_role("button", name="Start the call"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=CALLS[1])).to_be_focused()
    expect(call_panel(page)).to_have_attribute("data-phase", "talking")
    press_until_focused(page, page.get_by_label("Type instead of speaking"))
    page.keyboard.type("Hello, you have reached the crisis line.")
    page.keyboard.press("Enter")
    expect(transcript_lines(page, speaker="caller")).to_have_count(1)
    press_until_focused(page, page.get_by_role("button", name="Mute"))
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Mute", pressed=True)).to_be_focused()
    press_until_focused(page, page.locator("summary.dock-end"))
    page.keyboard.press("Enter")
    press_until_focused(page, page.get_by_role("button", name="End the call"))
    page.keyboard.press("Enter")

    page.wait_for_url("**/sessions/*/")
    expect(grade_badge(page)).to_be_visible()


# ---- The connection


class InterceptedSocket:
    """Route between the page and the gateway that can be cut."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/calls/"), self._connect)

    def _connect(self, here: WebSocketRoute) -> None:
        self.sockets = [here, here.connect_to_server()]

    def cut(self) -> None:
        # A message that is still forwarded to a closing socket is an error on the console.
        self.sockets[0].on_message(lambda message: None)
        for end in self.sockets:
            end.close()


def test_lost_connection_is_restored_with_its_transcript(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CALLS[0])
    page = open_page("/", counselor, is_single_use=True)
    line = InterceptedSocket(page)
    page.goto(demo_site.practice_page(counselor, CALLS[0]))
    start_typing(page)
    type_line(page, "Good evening, you have reached the crisis line.")
    # A caller who is cut off would go on without being asked.
    expect(transcript_lines(page, speaker="caller", final="true")).to_have_count(1)
    session = session_of(page)

    with page.expect_response(re.compile("/ticket/$")):
        line.cut()
    expect(call_panel(page)).to_have_attribute("data-phase", "talking")
    expect(transcript_lines(page)).to_have_count(2)
    type_line(page, "That sounds so lonely.")

    assert hang_up(page) == session
    expect(grade_badge(page)).to_be_visible()
    expect(saved_lines(page)).to_have_text(line_patterns("You.*evening", "Caller", "You.*lonely", "Caller"))
    expect(recording(page)).to_be_visible()


@pytest.mark.prove
def test_second_tab_takes_over_the_call(
    open_page: Callable[..., Page], demo_site: DemoSite, monitor: PageMonitor
) -> None:
    counselor = demo_site.add_counselor(CALLS[0])
    address = demo_site.practice_page(counselor, CALLS[0])
    first = open_page(address, counselor)
    start_typing(first)
    type_line(first, "Good evening, you have reached the crisis line.")
    second = open_page(address, counselor)
    monitor.expect_statuses(409)

    second.get_by_role("button", name="Type", exact=True).locator("visible=true").click()
    second.get_by_role("button", name="Continue the call").click()
    expect(second.get_by_role("alert").filter(has_text="open in another window or tab")).to_be_visible()
    expect(second.get_by_role("heading", name="This call is open on another page")).to_be_focused()
    expect(call_panel(first)).to_have_attribute("data-phase", "talking")
    second.get_by_role("button", name="Continue the call here").click()
    expect(call_panel(second)).to_have_attribute("data-phase", "talking")
    expect(first.get_by_role("heading", name="This call is open on another page")).to_be_focused()
    expect(transcript_lines(second).first).to_contain_text("Good evening, you have reached the crisis line.")
    type_line(second, "Still with you.")
    first.get_by_role("button", name="End and get feedback").click()

    first.wait_for_url("**/sessions/*/")
    expect(second.get_by_text("This call was ended on another page.")).to_be_visible()
    expect(second.get_by_role("link", name="View the call and its feedback")).to_be_visible()
