"""Search for untranslated text from the pages' scripts, with a catalog that marks each message."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.practice_fakes import FakeGateway, FakeSessionApi, practice_panel, stream, turn
from tests.browser.static_site import StaticSite
from tests.support.pseudo_locale import MARKING_CATALOG, find_plain_texts, plain_words, pseudo_locale
from training.models import EndReason

# User-written text is in capital Greek letters, which no message contains.
TITLE, WORDS = "ΑΒΓ", "ΔΕΖ"
PRACTICE = {"title": TITLE, "description": TITLE, "difficulty_label": TITLE, "notes": TITLE}
NOTICES = ["caller_reconnecting", "caller_back", "draining", "idle_warning", "ending_soon", "caller_lost"]
CLOSE_CODES = [1006, 1008, 1009, 1011, 1012, 4001, 4002, 4008]


@pytest.fixture(autouse=True)
def marking_catalog(site: StaticSite) -> Iterator[None]:
    before = site.pages["/texts.js"]
    site.pages["/texts.js"] = MARKING_CATALOG
    with pseudo_locale():
        yield
    site.pages["/texts.js"] = before


def plain_texts(page: Page) -> set[str]:
    return find_plain_texts(page.content())


def test_every_state_of_a_call_is_described_in_translated_text(page: Page) -> None:
    page.reload()  # with the marking catalog

    texts = page.evaluate(
        """
        async ({ reasons, notices, codes, statuses }) => {
          const calls = await import("/static/training/call-texts.js");
          const { presenceOf } = await import("/static/training/call-presence.js");
          const { ApiProblem } = await import("/static/training/sessions-api.js");
          const { counterText } = await import("/static/training/chat-page.js");
          const states = ["ready", "connecting", "talking", "lost", "ending", "ended"].flatMap((phase) => [
            { phase }, { phase, session: {} }, { phase, isReturning: true }, { phase, notice: "caller_reconnecting" },
            { phase, problem: { code: "in_use" } }, { phase, isMuted: true },
            { phase, chosenEnd: "stop" }, { phase, chosenEnd: "end" },
            ...["speaking", "thinking", "listening"].map((activity) => ({ phase, activity, hasSpoken: true })),
            { phase, activity: "listening", microphone: "working", hasSpoken: true },
          ]).map((state) => ({ activity: "listening", microphone: "typing", ...state }));
          return [
            states.flatMap((state) => [calls.lostTitle(state), calls.lostAdvice(state), calls.undoText(state)]),
            states.flatMap((state) => [presenceOf(state).title, presenceOf(state).detail]),
            [...notices.map((notice) => ({ notice })), { isSlow: true }, { isReturning: true }, { isFlat: true }]
              .map(calls.noticeText),
            [{ isFlat: true }, { isHeard: true }, {}].map(calls.checkText),
            reasons.map((reason) => calls.reasonText({ reason })),
            codes.map(calls.lostText),
            statuses.map((status) => new ApiProblem(status).message),
            ["x".repeat(9999), "x".repeat(9500), "x".repeat(10001), "x".repeat(10002)].map(counterText),
          ].flat();
        }
        """,
        {
            "reasons": [*EndReason.values, "session_over", "unknown"],
            "notices": NOTICES,
            "codes": CLOSE_CODES,
            "statuses": [0, 401, 403, 404, 500],
        },
    )

    assert [text for text in texts if plain_words(text)] == []
    assert len(set(texts)) >= 40


def test_call_page_shows_only_translated_text(
    open_call: Callable[..., Page],
    page: Page,
    api: FakeSessionApi,
    gateway: FakeGateway,
) -> None:
    page.add_init_script("navigator.mediaDevices.enumerateDevices = async () => [];")  # device names are data
    found: dict[str, set[str]] = {}
    open_call(**PRACTICE)
    found["ready"] = plain_texts(page)
    page.locator("[data-action=start]").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    gateway.turn("a", "counselor", WORDS)
    gateway.turn("b", "caller", WORDS, after="a", interrupted=True)
    expect(page.locator("[data-text]").nth(1)).to_be_visible()
    gateway.send(type="notice", code="idle_warning")
    page.locator("[data-action=mute]").click()
    expect(page.locator("[data-if=notice]")).to_be_visible()
    found["talking"] = plain_texts(page)
    gateway.send(type="ended", reason="replaced")
    gateway.lines[-1].close(code=4002)
    expect(page.locator("[data-action=take-over]")).to_be_visible()
    found["lost"] = plain_texts(page)
    page.locator("[data-action=take-over]").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    gateway.send(type="ended", reason="idle")
    expect(practice_panel(page)).to_have_attribute("data-phase", "ended")
    found["ended"] = plain_texts(page)

    assert {phase: texts for phase, texts in found.items() if texts} == {}


def test_chat_page_shows_only_translated_text(
    open_chat: Callable[..., Page],
    page: Page,
    api: FakeSessionApi,
) -> None:
    found: dict[str, set[str]] = {}
    open_chat(**PRACTICE)
    found["ready"] = plain_texts(page)
    page.locator("[data-action=begin]").click()
    expect(practice_panel(page)).to_have_attribute("data-phase", "opening")
    found["opening"] = plain_texts(page)
    mine = turn("m", "counselor", WORDS, "g", revision=2)
    api.session |= {"greeting": "ready", "transcript": [turn("g", "caller", WORDS)]}
    expect(practice_panel(page)).to_have_attribute("data-phase", "talking")
    api.answer_next("POST 7/messages/", 200, stream(("turn", mine), ("delta", {"text": WORDS})))
    page.locator("#message").fill(WORDS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").locator("visible=true")).to_have_count(1)
    found["broken"] = plain_texts(page)
    page.locator("#message").fill("x" * 9_500)
    page.locator("#message").fill("Ω" * 9_500)
    found["talking"] = plain_texts(page)
    api.answer_next("POST 7/messages/", 409, {"detail": f"⟦{WORDS}⟧", "code": "session_over"})
    page.locator("#message").fill(WORDS)
    page.keyboard.press("Enter")
    expect(practice_panel(page)).to_have_attribute("data-phase", "ended")
    found["ended"] = plain_texts(page)

    assert {phase: texts for phase, texts in found.items() if texts} == {}


PLAYER = """<!doctype html><title>ΑΒΓ</title><script src="/texts.js"></script>
<div data-player data-duration-ms="60000">
<audio src="/static/nothing.wav"></audio><button data-play hidden></button>
<div data-controls hidden>
<input type="range" max="60000" data-position><span data-now></span>
<select data-speed></select><input type="checkbox" data-both-ears>
<input type="checkbox" data-follow><button data-copy-link></button><p data-player-says></p>
</div></div><div data-announce></div>
<script type="module" src="/static/evaluation/session.js"></script>"""


def test_recording_player_shows_only_translated_text(page: Page, site: StaticSite) -> None:
    site.pages["/player/"] = PLAYER
    says = page.locator("[data-player-says]")
    found: list[str | None] = []

    page.goto("/player/")
    page.locator("[data-play]").click()
    expect(says).not_to_be_empty()  # no such recording
    found.append(says.text_content())
    page.locator("[data-copy-link]").click()
    expect(says).to_contain_text("#t=")
    found += [says.text_content(), page.locator("[data-position]").get_attribute("aria-valuetext")]
    for event in ("play", "pause"):
        page.locator("audio").dispatch_event(event)
        found.append(page.locator("[data-play]").get_attribute("aria-label"))

    assert [text for text in found if plain_words(text or "words")] == []
