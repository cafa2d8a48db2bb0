"""A conversation's page: tabs, one player, typed turns, print, and a reviewer's keys."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.demo_site import DemoSite
from tests.browser.practice_actions import expect_evidence, line_patterns, open_tab, saved_lines, wait_until_true
from tests.browser.test_accessibility import PHONE, SUPERVISOR, accessibility_problems

ROOT = Path(__file__).parents[2]
EVALUATOR = "evaluator@example.org"
SCROLLED = "window.scrollY"


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return ["--autoplay-policy=no-user-gesture-required"]


@pytest.fixture(scope="module")
def recorded_call(demo_site: DemoSite) -> str:
    """Return the address of a graded call of the demo's history, given a recording and one typed line."""
    command = [sys.executable, "-m", "config.launcher", "manage", "shell", "-v", "0", "-c"]
    script = "exec(open('tests/browser/create_recorded_call.py').read())"
    usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = usual | {"STEADYLINE_VAR": str(demo_site.folder / "var")}
    made = subprocess.run([*command, script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return f"/sessions/{made.stdout.split()[-1]}/"


def test_summary_fits_the_screen_and_a_quote_plays_without_moving_the_page(
    open_page: Callable[..., Page], recorded_call: str
) -> None:
    page = open_page(recorded_call, "counselor@example.org", viewport={"width": 1440, "height": 900})
    expect(page.locator("[data-player]")).to_have_attribute("data-is-ready", "")
    for name in ("What went well", "What to do differently", "One thing for next time", "Checks"):
        expect(page.get_by_role("heading", name=name)).to_be_in_viewport(ratio=1)
    for part in (page.locator(".summary-moments"), page.locator(".talk-facts")):
        box = part.bounding_box()
        assert box and box["y"] + box["height"] <= 900
    expect(page.get_by_role("link", name="Try again")).to_have_attribute("href", re.compile("^/training/voice/free/"))

    quote = page.locator("#feedback .quote-you [data-play-ms]").first
    wanted = int(quote.get_attribute("data-play-ms") or 0) / 1000
    quote.click()
    wait_until_true(page, f"document.querySelector('audio').currentTime > {wanted}")
    assert (page.evaluate(SCROLLED), page.locator("audio").count()) == (0, 1)

    open_tab(page, "Transcript")
    first, last = page.locator("#turns .moment").first, page.locator("#turns .moment").last
    first.click()
    wait_until_true(page, "document.querySelector('#turns > [aria-current]') !== null")
    last.evaluate("element => element.click()")  # far below, and not scrolled to
    wait_until_true(page, "document.querySelector('#turns > [aria-current]:nth-last-child(-n+2)') !== null")
    assert page.evaluate(SCROLLED) == 0
    typed = page.locator("#turns > li", has_text="typed").first
    expect(typed).to_be_visible()
    expect(typed.locator(".moment")).to_have_count(0)
    expect(page.locator(".who-spoke")).to_contain_text("You")
    expect(page.get_by_text("Typed lines count as long as it takes to say them.")).to_be_visible()
    expect(page.locator("#turns mark").first).to_be_visible()


def test_player_docks_over_the_tab_bar_and_old_links_find_their_tab(
    open_page: Callable[..., Page], recorded_call: str
) -> None:
    page = open_page(recorded_call, "counselor@example.org", viewport=PHONE)
    expect(page.locator("[data-player]")).to_have_attribute("data-is-ready", "")
    player, bar = page.locator("[data-player]").bounding_box(), page.locator(".tabbar").bounding_box()
    assert player and bar
    assert abs(player["y"] + player["height"] - bar["y"]) <= 1

    page.goto(f"{recorded_call}#t=0:20")
    page.wait_for_url(f"**{recorded_call}transcript/#t=0:20")
    expect(page.locator("[data-now]")).to_have_text("0:20")
    open_tab(page, "Checks")
    row = page.locator("[data-check]").last
    page.goto(f"{recorded_call}#{row.get_attribute('id')}")
    page.wait_for_url(f"**{recorded_call}checks/#criterion-*")
    expect(page.locator("[data-check]").last).to_have_attribute("open", "")


def test_conversation_prints_on_three_pages(open_page: Callable[..., Page], recorded_call: str) -> None:
    page = open_page(recorded_call, "counselor@example.org")
    page.get_by_role("link", name="Print").click()
    expect(page.get_by_role("button", name="Print")).to_be_visible()

    pages = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, format="Letter"))).pages

    assert len(pages) <= 3
    text = "".join(one.extract_text() for one in pages)
    for words in ("One thing for next time", "To work on", "Harbor State Line, my name is Sam"):
        assert words in " ".join(text.split())


def test_evaluator_reviews_with_keys_and_agrees_with_the_rest(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, my name is Sam.", "That sounds hard. Are you thinking of suicide?")
    page = open_page(f"/sessions/{session}/checks/", EVALUATOR)
    rows = page.locator("[data-check]")
    expect(rows.first).to_have_attribute("open", "")
    expect(rows.first).to_have_attribute("data-verdict", "not_met")

    page.keyboard.press("m")  # needs a reason, so the field gets the focus
    page.keyboard.type("Said in other words: jam")  # keys are letters here
    page.keyboard.press("Control+Enter")
    expect(rows.first.locator(".review")).to_contain_text("Said in other words: jam")
    expect(page.locator("[data-announce]")).to_contain_text("Saved")
    expect(rows.nth(1)).to_have_attribute("open", "")
    page.keyboard.press("a")
    expect(rows.nth(1).locator(".review")).to_contain_text("agrees")
    expect(rows.nth(2).locator("summary").first).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(1).locator("summary").first).to_be_focused()
    page.locator("[data-keys]").uncheck()
    page.keyboard.press("j")
    expect(page.locator("[data-keys]")).to_be_focused()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Agree with the rest").click()
    expect(page.get_by_text("Every check is reviewed.", exact=True)).to_be_visible()
    expect(page.locator("#session-reviewed")).to_have_text("Reviewed by Tomas Vrba")

    # Two clicks and a reason change a verdict.
    rows.nth(3).locator("summary").first.click()
    rows.nth(3).get_by_label("Reason").fill("The caller had said so.")
    rows.nth(3).get_by_role("button", name="Not applicable").click()
    expect(rows.nth(3).get_by_text("changed the verdict to “Not applicable”")).to_be_visible()


def test_page_never_stays_with_what_was_being_prepared(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.post_json(counselor, "/api/sessions/", type="free_practice", mode="chat")["id"]
    page = open_page(f"/sessions/{session}/", counselor)
    expect(page.get_by_text("This chat is in progress.")).to_be_visible()
    demo_site.post_json(counselor, f"/api/sessions/{session}/messages/", content="Hello, my name is Sam.")
    expect(page.locator("#turns")).to_contain_text("my name is Sam")
    demo_site.post_json(counselor, f"/api/sessions/{session}/end/")

    expect(page.locator("#session-tabs").get_by_role("link", name="Checks")).to_be_visible()
    expect(page.get_by_text("This chat is in progress.")).to_have_count(0)
    expect(page.get_by_text("is being prepared")).to_have_count(0)
    expect(page.locator("#session-grade [data-grade]")).to_be_visible()
    expect_evidence(page, "my name is Sam")
    expect(saved_lines(page)).to_have_text(line_patterns("Caller", "You.*Sam", "Caller"))


def test_whole_chat_can_be_commented_on(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, my name is Sam.", "What has been going on?")
    page = open_page(f"/sessions/{session}/transcript/", SUPERVISOR)
    page.locator("summary", has_text="Add a comment").click()
    page.get_by_role("textbox", name="Comment").fill("You gave it time.")
    page.get_by_role("button", name="Add comment").click()

    expect(page.locator("[data-announce]")).to_have_text("Your comment was added.")
    expect(page.locator("#comments")).to_contain_text("on the whole conversation")
    own = open_page(f"/sessions/{session}/transcript/", counselor)
    expect(own.locator("#comments")).to_contain_text("You gave it time.")
    expect(own.locator(".moment")).to_have_count(0)


def test_refused_upload_is_told_where_the_reader_is(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    session = demo_site.take_chat(counselor, "Hello, my name is Sam.", "What has been going on?")
    page = open_page(f"/sessions/{session}/documentation/", counselor, viewport=PHONE)
    page.get_by_label("Your documentation").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b" "}
    )
    page.get_by_role("button", name="Compare").click()

    refusal = page.get_by_role("alert").filter(has_text="This file contains no text.")
    expect(refusal).to_be_focused()
    expect(refusal).to_be_in_viewport(ratio=1)
