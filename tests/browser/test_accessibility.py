"""Accessibility and horizontal overflow of pages in states that no link leads to, in light and dark."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.chromium import FAKE_MICROPHONE, fail_microphone
from tests.browser.demo_site import CALLS, CHAT, DemoSite, PageMonitor
from tests.browser.practice_actions import (
    begin_chat,
    call_panel,
    expect_caller_answer,
    grade_badge,
    hang_up,
    send_message,
    start_typing,
    type_line,
)
from tests.support.prove_run import IS_PROVE_RUN

SUPERVISOR = "supervisor@example.org"
Scheme = Literal["light", "dark"]
PHONE: ViewportSize = {"width": 360, "height": 780}
DESK: ViewportSize = {"width": 1440, "height": 900}
# Colors depend on the scheme and the layout on the width, so each is checked once. `make prove` checks all four.
ALL_APPEARANCES: list[tuple[ViewportSize, tuple[Scheme, ...]]] = [(DESK, ("light", "dark")), (PHONE, ("light", "dark"))]
APPEARANCES = ALL_APPEARANCES if IS_PROVE_RUN else [(DESK, ("light",)), (PHONE, ("dark",))]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return FAKE_MICROPHONE


def accessibility_problems(page: Page) -> list[str]:
    """Return the accessibility problems of the page in each appearance."""
    found = []
    for size, schemes in APPEARANCES:
        page.set_viewport_size(size)
        if page.evaluate(OVERFLOW) > 0:
            found.append(f"{size['width']}: wider than the screen")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{size['width']} {scheme}: {problem}" for problem in axe_violations(page)]
    return found


# Django's multiple-choice widget puts ARIA hints on a span, and its tables of read-only rows scroll on a phone.
TOLERATED_IN_ADMIN = ("aria-prohibited-attr", "scrollable-region-focusable")


def axe_violations(page: Page) -> list[str]:
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    tolerated = TOLERATED_IN_ADMIN if "/admin/" in page.url else ()
    return [
        f"{one['id']} at {one['nodes'][0]['target']}"
        for one in violations
        if one["impact"] in ("serious", "critical") and one["id"] not in tolerated
    ]


@dataclass
class PracticeHistory:
    """Counselor with a session in each state."""

    counselor: str
    graded: str
    failed: str
    short: str


@pytest.fixture(scope="module")
def practice_history(demo_site: DemoSite) -> PracticeHistory:
    counselor = demo_site.add_counselor(*CALLS, CHAT)
    graded = demo_site.take_chat(
        counselor, "Hello, my name is Sam.", "That sounds so hard. Are you thinking of suicide?"
    )
    failed = demo_site.take_chat(counselor, "Hello, what is going on?", grading_fails=True)
    demo_site.clear_openai_faults()
    return PracticeHistory(counselor, graded, failed, demo_site.take_chat(counselor))


def test_login_pages_are_accessible(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    assert accessibility_problems(page) == []
    page.get_by_role("link", name="Log in").click()
    page.wait_for_url("**/account/login/")
    assert accessibility_problems(page) == []
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_problems(page) == []
    page.goto("/account/password/reset/")
    assert accessibility_problems(page) == []


# `test_every_page.py` walks through all other pages.
STATES = ["graded", "failed", "short"] if IS_PROVE_RUN else ["failed"]


@pytest.mark.parametrize("state", STATES)
def test_feedback_page_is_accessible_in_every_state(
    open_page: Callable[..., Page], practice_history: PracticeHistory, state: str
) -> None:
    page = open_page(f"/sessions/{vars(practice_history)[state]}/", practice_history.counselor)

    assert accessibility_problems(page) == []


def test_feedback_page_of_a_reviewer_is_accessible(
    open_page: Callable[..., Page], practice_history: PracticeHistory
) -> None:
    page = open_page(f"/sessions/{practice_history.graded}/checks/", SUPERVISOR)
    expect(page.get_by_role("button", name="Agree", exact=True).first).to_be_visible()

    assert accessibility_problems(page) == []


def test_call_page_is_accessible_in_every_state(
    open_page: Callable[..., Page], demo_site: DemoSite, monitor: PageMonitor
) -> None:
    counselor = demo_site.add_counselor(CALLS[0])
    page = open_page(demo_site.practice_page(counselor, CALLS[0]), counselor)
    assert accessibility_problems(page) == []
    fail_microphone(page, "NotAllowedError")
    page.get_by_role("button", name="Start the call").click()
    expect(page.get_by_text("This page can’t use your microphone.")).to_be_visible()
    assert accessibility_problems(page) == []
    start_typing(page)
    assert accessibility_problems(page) == []
    type_line(page, "Good evening, you have reached the crisis line.")
    assert accessibility_problems(page) == []
    session = hang_up(page)
    expect(grade_badge(page)).to_be_visible()
    expect(page.get_by_label(re.compile("^Recording of"))).to_be_visible()
    assert accessibility_problems(page) == []
    own = open_page(f"/admin/training/session/{session}/change/", SUPERVISOR)
    assert accessibility_problems(own) == []


@pytest.mark.prove
def test_pages_of_a_call_ended_elsewhere_are_accessible(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/training/voice/free/", counselor)
    start_typing(page)
    session = str(page.locator("[data-session-link]").get_attribute("href"))
    watcher = open_page(session, counselor)
    expect(watcher.get_by_text("This call is in progress.")).to_be_visible()
    assert accessibility_problems(watcher) == []

    demo_site.post_json(counselor, f"/api{session}end/")

    expect(call_panel(page)).to_have_attribute("data-phase", "ended")
    assert accessibility_problems(page) == []


@pytest.mark.prove
def test_chat_page_is_accessible_in_every_state(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor(CHAT)
    page = open_page(demo_site.practice_page(counselor, CHAT), counselor)
    assert accessibility_problems(page) == []
    begin_chat(page)
    send_message(page, "Hello, my name is Sam.")
    expect_caller_answer(page, 3)
    assert accessibility_problems(page) == []


def test_main_buttons_are_visible_on_a_phone(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    page = open_page("/training/voice/free/", counselor, viewport=PHONE)
    start_typing(page)
    expect(page.locator("summary.dock-end")).to_be_in_viewport(ratio=1)
    hang_up(page)

    page.goto("/training/chat/free/")
    begin_chat(page)
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)


def test_not_found_page_is_accessible(
    open_page: Callable[..., Page], practice_history: PracticeHistory, monitor: PageMonitor
) -> None:
    monitor.expect_statuses(404)
    page = open_page("/sessions/nothing/", practice_history.counselor)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert accessibility_problems(page) == []
