"""Review of a one-hour call by mouse, keyboard, and link, and a supervisor's comments at points in time."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import DemoSite, PageMonitor
from tests.browser.practice_actions import wait_until_true
from tests.browser.test_accessibility import SUPERVISOR, accessibility_problems

ROOT = Path(__file__).parents[2]
MAX_RECEIVED_BYTES = 70_000_000  # bytes; the whole recording has 345 million


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return ["--autoplay-policy=no-user-gesture-required"]


@pytest.fixture(scope="module")
def counselor(demo_site: DemoSite) -> str:
    return demo_site.add_counselor()


@pytest.fixture(scope="module")
def long_call(demo_site: DemoSite, counselor: str) -> str:
    """Return the address of a one-hour call with 300 turns."""
    command = [sys.executable, "-m", "config.launcher", "manage", "shell", "-v", "0", "-c"]
    script = "exec(open('tests/browser/create_long_call.py').read())"
    usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = usual | {"STEADYLINE_VAR": str(demo_site.folder / "var"), "COUNSELOR": counselor}
    made = subprocess.run([*command, script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"session (\S+)", made.stdout)
    assert found, made.stdout
    return f"/sessions/{found[1]}/transcript/"


def wait_for_player(page: Page) -> Locator:
    player = page.get_by_role("group", name=re.compile("^Recording of"))
    expect(player).to_have_attribute("data-is-ready", "")
    return player


def open_player_menu(player: Locator) -> None:
    player.locator("summary").click()


def audio_property(page: Page, what: str) -> float:
    found: float = page.locator("#recording audio").evaluate(f"audio => audio.{what}")
    return found


def current_turn(page: Page) -> Locator:
    """Return the turn that is marked as playing."""
    return page.locator("#turns > li[aria-current]")


def test_seek_in_a_long_recording_loads_only_a_part(
    open_page: Callable[..., Page], long_call: str, counselor: str
) -> None:
    page = open_page("/", counselor, is_single_use=True)
    received = []
    devtools = page.context.new_cdp_session(page)
    devtools.on("Network.dataReceived", lambda data: received.append(data["dataLength"]))
    devtools.send("Network.enable")
    page.goto(f"{long_call}#t=3300.5")
    player = wait_for_player(page)

    expect(player.locator("[data-now]")).to_have_text("55:00")
    expect(current_turn(page)).to_contain_text("This is turn 275.")
    expect(current_turn(page)).to_be_in_viewport()
    page.keyboard.press("Space")  # the link has moved the focus to the button
    expect(player).to_have_attribute("data-is-playing", "")
    wait_until_true(page, "document.querySelector('#recording audio').currentTime > 3300.6")
    player.get_by_role("button", name="Pause").click()
    page.locator("#turns .moment").nth(30).click()
    wait_until_true(page, "document.querySelector('#recording audio').currentTime > 360.2")
    expect(current_turn(page)).to_contain_text("This is turn 30.")

    assert 360 < audio_property(page, "currentTime") < 372
    assert audio_property(page, "duration") == pytest.approx(3600, abs=0.01)
    assert sum(received) < MAX_RECEIVED_BYTES


def test_keyboard_moves_between_turns(open_page: Callable[..., Page], long_call: str, counselor: str) -> None:
    page = open_page(long_call, counselor)
    player = wait_for_player(page)
    page.locator("#turns .moment").nth(4).focus()

    page.keyboard.press("ArrowDown")
    expect(current_turn(page)).to_contain_text("This is turn 5.")
    expect(page.locator("#turns .moment").nth(5)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(player.locator("[data-now]")).to_have_text("0:36")
    page.keyboard.press("ArrowRight")
    expect(player.locator("[data-now]")).to_have_text("0:41")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(player.locator("[data-now]")).to_have_text("0:31")
    page.keyboard.press("Space")
    expect(player).to_have_attribute("data-is-playing", "")
    page.keyboard.press("Space")
    expect(player).not_to_have_attribute("data-is-playing", "")
    open_player_menu(player)
    player.get_by_role("button", name="Next turn").click()
    page.keyboard.press("Escape")
    expect(current_turn(page)).to_contain_text("This is turn 3.")
    slider = player.get_by_role("slider", name="Position")
    expect(slider).to_have_attribute("aria-valuetext", "0:36 of 1:00:00")
    slider.focus()
    page.keyboard.press("ArrowRight")  # the slider's own key
    expect(slider).to_have_attribute("aria-valuetext", "0:37 of 1:00:00")


@pytest.mark.prove
def test_player_keys_do_not_apply_to_text_fields(open_page: Callable[..., Page], long_call: str) -> None:
    page = open_page(long_call, SUPERVISOR)
    player = wait_for_player(page)
    page.locator("summary", has_text="Add a comment").click()
    words = page.get_by_role("textbox", name="Comment")
    words.fill("Two")
    words.press("Space")
    words.type("words")

    expect(words).to_have_value("Two words")
    expect(player).not_to_have_attribute("data-is-playing", "")
    page.locator("h1").click()
    page.keyboard.press("Space")  # playback has not been started, so the page scrolls
    expect(player).not_to_have_attribute("data-is-playing", "")


@pytest.mark.prove
def test_speed_and_channel_volumes_can_be_set(open_page: Callable[..., Page], long_call: str, counselor: str) -> None:
    page = open_page(long_call, counselor)
    player = wait_for_player(page)
    player.get_by_label("Speed").select_option("1.5")
    open_player_menu(player)
    player.get_by_role("slider", name="Caller (right)").fill("0")
    player.get_by_label("Both voices in both ears").check()
    page.keyboard.press("Escape")
    player.get_by_role("button", name="Play").click()
    wait_until_true(page, "document.querySelector('#recording audio').currentTime > 0.2")

    assert audio_property(page, "playbackRate") == 1.5


@pytest.mark.prove
def test_click_on_the_waveform_seeks_and_its_link_can_be_copied(
    open_page: Callable[..., Page], long_call: str, counselor: str
) -> None:
    page = open_page(long_call, counselor, permissions=["clipboard-read", "clipboard-write"])
    player = wait_for_player(page)
    frame = player.locator("[data-position]")  # lies over the drawing
    box = frame.bounding_box()
    assert box
    frame.click(position={"x": box["width"] / 2, "y": 20})
    expect(player.locator("[data-now]")).to_have_text(re.compile(r"^(29|30):\d\d$"))
    open_player_menu(player)
    player.get_by_role("button", name="Copy link to this moment").click()
    expect(player.get_by_role("status")).to_have_text(re.compile(r"^Link to (29|30):\d\d copied"))

    link = page.evaluate("navigator.clipboard.readText()")
    page.goto("/")
    page.goto(link)
    expect(wait_for_player(page).locator("[data-now]")).to_have_text(re.compile(r"^(29|30):\d\d$"))


def test_supervisors_comment_appears_beside_the_transcript(
    open_page: Callable[..., Page], long_call: str, counselor: str
) -> None:
    page = open_page(f"{long_call}#t=605", SUPERVISOR)
    wait_for_player(page)
    page.locator("summary", has_text="Add a comment").click()
    page.get_by_role("button", name="Use the current playback time").click()
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_role("textbox", name="Comment").fill("You waited here. That was right.")
    page.get_by_role("button", name="Add comment").click()
    expect(page.locator("[data-announce]")).to_have_text("Your comment at 10:05 was added.")
    expect(page.locator("[data-marks] span")).to_have_count(1)
    assert accessibility_problems(page) == []

    counselor_page = open_page(long_call, counselor)
    comment = counselor_page.locator("#comments li").filter(has_text="You waited here. That was right.")
    expect(comment).to_contain_text("10:05")
    expect(counselor_page.get_by_text("Add a comment")).to_have_count(0)
    expect(counselor_page.get_by_role("button", name="Delete")).to_have_count(0)
    expect(counselor_page.locator("#turns > li", has_text="This is turn 50.")).to_contain_text("You waited here.")
    comment.get_by_role("link", name="10:05").click()
    wait_until_true(counselor_page, "document.querySelector('#recording audio').currentTime > 605")
    expect(current_turn(counselor_page)).to_contain_text("This is turn 50.")

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    expect(page.locator("[data-marks] span")).to_have_count(0)


@pytest.mark.prove
def test_talk_facts_are_shown_as_text(open_page: Callable[..., Page], long_call: str, counselor: str) -> None:
    page = open_page(long_call, counselor)
    wait_for_player(page)

    facts = page.locator(".who-spoke")
    expect(facts).to_contain_text(re.compile(r"You\s*25:00, 48%\s*Caller\s*27:30, 52%"))
    expect(facts).to_contain_text("30, the longest 0:06")
    expect(page.locator(".wave-pause")).to_have_count(30)


@pytest.mark.prove
def test_review_works_without_scripts(open_page: Callable[..., Page], long_call: str, monitor: PageMonitor) -> None:
    monitor.expect_statuses(400)
    page = open_page(long_call, SUPERVISOR, java_script_enabled=False)
    expect(page.locator("#recording audio[controls]")).to_be_visible()
    page.locator("#comments summary", has_text="Add a comment").click()
    page.get_by_label("Time (minutes:seconds)").fill("61:00")
    page.get_by_role("textbox", name="Comment").fill("Beyond the end.")
    page.get_by_role("button", name="Add comment").click()
    expect(page.get_by_text("The recording is shorter than that.")).to_be_visible()
    page.get_by_label("Time (minutes:seconds)").fill("59:59")
    page.get_by_role("button", name="Add comment").click()
    page.wait_for_url("**/#comment-*")
    expect(page.locator("#comments li").filter(has_text="Beyond the end.")).to_contain_text("59:59")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete comment").click()
    expect(page.get_by_text("No comments yet.")).to_be_visible()
