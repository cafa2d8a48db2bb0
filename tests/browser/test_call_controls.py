"""Controls of the call page in a real browser: stopping, keys, layout, ring, and a silent microphone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from tests.browser.practice_fakes import (
    FakeGateway,
    FakeSessionApi,
    choose_end,
    find_serious_axe_violations,
    practice_panel,
    transcript_items,
    wait_until,
)
from tests.browser.static_site import StaticSite

SILENT_MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => new AudioContext().createMediaStreamDestination().stream;
"""
FAST_CLOCK = "const now = performance.now.bind(performance); performance.now = () => 20 * now();"


CHOICES = pytest.mark.parametrize(
    ("choice", "requests"),
    [("End the call", {"hang_up": 1, "stop": 0}), ("Stop without a grade", {"hang_up": 0, "stop": 1})],
)


def may_leave(page: Page) -> bool:
    return page.evaluate("window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")


@CHOICES
def test_ending_call_is_silent_and_can_be_resumed(
    call: Page, api: FakeSessionApi, gateway: FakeGateway, choice: str, requests: dict[str, int]
) -> None:
    assert not may_leave(call)
    choose_end(call, choice)

    expect(call.get_by_role("button", name="Go back to the call")).to_be_focused()
    expect(call.get_by_text("The line is silent. Nobody hears you")).to_be_visible()
    wait_until(call, lambda: gateway.messages_of_type("mute") == [{"type": "mute", "on": True}])
    gateway.send_audio(1, 4800)
    call.wait_for_timeout(400)
    assert gateway.messages_of_type("played") == []

    call.keyboard.press("Enter")

    expect(call.get_by_role("button", name="Mute")).to_be_focused()
    wait_until(call, lambda: any(report["final"] for report in gateway.messages_of_type("played")))
    assert [message["on"] for message in gateway.messages_of_type("mute")] == [True, False]
    assert (api.count("POST 7/stop/"), gateway.messages_of_type("hang_up")) == (0, [])


@CHOICES
def test_call_ends_as_chosen_when_the_time_to_undo_is_over(
    open_call: Callable[..., Page],
    api: FakeSessionApi,
    gateway: FakeGateway,
    choice: str,
    requests: dict[str, int],
) -> None:
    page = open_call()
    page.evaluate("document.querySelector('#call').dataset.undoMs = 300")
    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_text("Say your greeting")).to_be_visible()

    choose_end(page, choice)

    page.wait_for_url("**/sessions/7/")
    assert {"hang_up": len(gateway.messages_of_type("hang_up")), "stop": api.count("POST 7/stop/")} == requests
    assert api.count("POST 7/end/") == 0


@pytest.mark.parametrize(("choice", "verb"), [("End the call", "end"), ("Stop without a grade", "stop")])
def test_closing_the_page_ends_an_ending_call(call: Page, site: StaticSite, choice: str, verb: str) -> None:
    choose_end(call, choice)
    call.unroute_all()  # Playwright routes no requests of a page that is gone
    questions: list[Dialog] = []

    def note(dialog: Dialog) -> None:
        questions.append(dialog)

    call.on("dialog", note)
    call.goto("/")
    call.remove_listener("dialog", note)

    assert questions == []

    wait_until(call, lambda: site.posts[-1:] == [f"/api/sessions/7/{verb}/"])


def test_end_menu_works_by_keyboard(call: Page, api: FakeSessionApi) -> None:
    end = call.locator("summary.dock-end")
    end.focus()
    call.keyboard.press("Enter")
    expect(call.get_by_role("button", name="Stop without a grade")).to_be_visible()
    call.keyboard.press("Escape")
    expect(call.get_by_role("button", name="Stop without a grade")).to_be_hidden()
    expect(end).to_be_focused()
    call.keyboard.press("Space")
    call.keyboard.press("Tab")
    expect(call.get_by_role("button", name="End the call")).to_be_focused()
    call.keyboard.press("Space")
    expect(call.get_by_role("button", name="Go back to the call")).to_be_focused()
    call.keyboard.press("Tab")
    call.keyboard.press("Space")

    call.wait_for_url("**/sessions/7/")


def test_letter_keys_can_be_turned_off(call: Page, gateway: FakeGateway) -> None:
    call.keyboard.press("t")
    box = call.get_by_label("Type instead of speaking")
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    call.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(call.get_by_role("button", name="Type", exact=True)).to_be_focused()

    call.locator(".call [data-sound-settings] summary").click()
    call.get_by_label("Letter keys").locator("visible=true").uncheck()
    call.keyboard.press("Escape")
    call.keyboard.press("m")
    call.keyboard.press("t")

    expect(box).to_be_hidden()
    assert gateway.messages_of_type("mute") == []
    assert call.evaluate("localStorage.getItem('steadyline.call.letters')") == "off"
    call.evaluate("localStorage.removeItem('steadyline.call.letters')")


def test_controls_and_four_turns_fit_a_phone_and_do_not_move(call: Page, gateway: FakeGateway) -> None:
    call.set_viewport_size({"width": 390, "height": 844})
    for number in range(8):
        role = "caller" if number % 2 else "counselor"
        words = "I keep thinking that they would all breathe easier if I was not in the way."
        gateway.turn(f"i{number}", role, words, after=f"i{number - 1}" if number else None)
    expect(transcript_items(call)).to_have_count(8)
    boxes = (
        "[...document.querySelectorAll('.dock-button')].map((button) => JSON.stringify(button.getBoundingClientRect()))"
    )
    before = call.evaluate(boxes)

    call.get_by_role("button", name="Mute").click()
    expect(call.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")

    assert call.evaluate(boxes) == before
    visible, overflow, bottom = call.evaluate(
        """() => {
          const log = document.querySelector("[data-log]").getBoundingClientRect();
          const turns = [...document.querySelectorAll("[data-log] li")].map((turn) => turn.getBoundingClientRect());
          const inside = turns.filter((turn) => turn.top >= log.top && turn.bottom <= log.bottom);
          const dock = document.querySelector(".dock").getBoundingClientRect();
          return [inside.length, document.documentElement.scrollWidth, dock.bottom];
        }"""
    )
    assert visible >= 4
    assert (overflow, bottom) == (390, 844)
    expect(call.locator(".bar, .tabbar, .foot").locator("visible=true")).to_have_count(0)


def test_ring_comes_before_the_line_and_is_not_sent(
    open_call: Callable[..., Page], page: Page, gateway: FakeGateway
) -> None:
    open_call(is_ringing=True)
    page.evaluate(SILENT_MICROPHONE)
    page.evaluate(
        """() => {
          window.tones = [];
          const start = OscillatorNode.prototype.start;
          OscillatorNode.prototype.start = function (at) {
            const tone = { isOver: false };
            window.tones.push(tone);
            this.addEventListener("ended", () => (tone.isOver = true));
            return start.call(this, at);
          };
        }"""
    )

    page.get_by_role("button", name="Start the call").click()
    wait_until(page, lambda: len(gateway.lines) == 1)

    assert page.evaluate("tones.map((tone) => tone.isOver)") == [True] * 4
    wait_until(page, lambda: len(gateway.frames) >= 10)
    assert gateway.loudest == 0


def test_silent_microphone_is_reported_with_what_to_do(open_call: Callable[..., Page], page: Page) -> None:
    open_call()
    page.evaluate(SILENT_MICROPHONE)
    page.evaluate(FAST_CLOCK)

    page.get_by_role("button", name="Start the call").click()

    expect(page.get_by_text("We can’t hear you.")).to_be_visible()
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("You’re muted")).to_be_visible()


def test_page_loads_its_line_only_when_needed_and_again_after_a_failure(
    open_call: Callable[..., Page], page: Page, gateway: FakeGateway
) -> None:
    requested: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url.partition("/static/")[2])

    page.on("request", note)
    open_call()
    page.wait_for_load_state("networkidle")
    assert [path for path in requested if path.startswith("training/")] == ["training/call.css", "training/call.js"]
    page.route("**/training/call-controls.js", lambda route: route.abort())
    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_role("alert").filter(has_text="A part of this page did not arrive.")).to_be_focused()
    page.unroute("**/training/call-controls.js")

    page.get_by_role("button", name="Try again").locator("visible=true").dblclick()

    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    assert len(gateway.lines) == 1
    page.remove_listener("request", note)


def test_caller_is_named_and_leaves_the_words_to_the_ears(call: Page, gateway: FakeGateway) -> None:
    presence = call.locator("[data-presence]")
    gateway.turn("a", "counselor", "Crisis line, good evening.")
    expect(presence).to_contain_text("The caller is thinking")
    gateway.turn("b", "caller", "My name is Dana.", after="a")
    gateway.send_audio(1, 9600)
    expect(presence).to_contain_text("Dana is speaking")
    expect(practice_panel(call)).to_have_attribute("data-look", "speaking")
    expect(presence).to_have_attribute("aria-live", "off")
    expect(presence).to_contain_text("Dana is listening")
    gateway.is_answering = False
    gateway.send(type="notice", code="caller_reconnecting")
    expect(presence).to_have_attribute("aria-live", "polite")


@pytest.mark.prove
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_call_page_has_no_serious_axe_violations(
    open_call: Callable[..., Page], api: FakeSessionApi, gateway: FakeGateway, page: Page, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}

    def check(state: str) -> None:
        found[state] = find_serious_axe_violations(page)

    open_call(content_notes="Loss of a job", skills=["Listening"], account_name="Harbor")
    check("ready")
    page.get_by_role("button", name="Check the sound").click()
    expect(page.get_by_text("We can hear you.")).to_be_visible()
    check("checked")
    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_text("Say your greeting")).to_be_visible()
    check("listening")
    gateway.turn("a", "counselor", "Crisis line, good evening.")
    expect(page.get_by_text("The caller is thinking")).to_be_visible()
    check("thinking")
    gateway.turn("b", "caller", "Hello? I did", after="a", final=False, interrupted=True)
    gateway.send_audio(1, 48000)
    expect(page.get_by_text("The caller is speaking")).to_be_visible()
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("button", name="Type", exact=True).click()
    check("speaking, muted, typing")
    page.locator("summary.dock-end").click()
    check("end menu")
    page.get_by_role("button", name="Stop without a grade").click()
    check("stopped")
    page.get_by_role("button", name="Go back to the call").click()
    gateway.lines[-1].close(code=4001)
    expect(page.get_by_role("button", name="Reconnect")).to_be_visible()
    check("lost")
    page.get_by_role("button", name="Reconnect").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    for _ in range(9):
        api.answer_next("POST 7/ticket/", 503, {"detail": "Not now."})
    gateway.lines[-1].close(code=1006)
    expect(page.get_by_text("Until then, nobody can hear you.")).to_be_visible()
    check("reconnecting")

    assert {state: names for state, names in found.items() if names} == {}
