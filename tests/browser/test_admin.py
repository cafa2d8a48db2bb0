"""Supervisors, evaluators, and a stranger on the admin site of the real demo."""

import json
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_site import CALLS, CHAT, DemoSite, PageMonitor
from tests.browser.practice_actions import (
    begin_chat,
    end_chat,
    expect_caller_answer,
    grade_badge,
    hang_up,
    open_tab,
    send_message,
    start_typing,
    type_line,
)

SUPERVISOR, EVALUATOR, STRANGER = "supervisor@example.org", "evaluator@example.org", "stranger@example.net"
QUESTION = "Are you thinking about suicide?"
SMILE = "\U0001f642"  # one character in Python, two UTF-16 units in a browser


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def run_action(page: Page, action: str, row: str) -> None:
    rows(page).filter(has_text=row).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label=action)
    page.get_by_role("button", name=re.compile("^(Go|Run)")).click()


def write_scenario(page: Page, title: str) -> None:
    page.goto("/admin/scenarios/scenario/add/")
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Mode", exact=True).select_option("chat")
    page.get_by_label("Prompt", exact=True).fill("You are Jules, 19. You write from a dormitory at night.")
    page.get_by_label("Evaluator context", exact=True).fill("- Asks directly about thoughts of suicide.")
    save(page)


def assign_by_action(page: Page, title: str, counselor: str) -> None:
    page.goto("/admin/scenarios/scenario/")
    run_action(page, "Assign to counselors…", title)
    expect(page.get_by_role("heading", name="Assign to counselors")).to_be_visible()
    page.get_by_role("checkbox", name=counselor).check()
    page.get_by_role("checkbox", name="Assign again to counselors who already completed the scenario").check()
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".messagelist")).to_have_text(re.compile("1 assignment was created."))


def edit_scenario(page: Page, title: str, new_title: str) -> None:
    page.goto("/admin/scenarios/scenario/")
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_label("Title", exact=True).fill(new_title)
    page.get_by_label("Evaluator context", exact=True).fill(
        "- Thanks the caller for their trust.\n- Asks about the roommate."
    )
    save(page)


def test_edited_scenario_does_not_change_a_running_session(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor, title = demo_site.add_counselor(), f"Dormitory {uuid4().hex[:6]}"
    supervisor = open_page("/admin/", SUPERVISOR)
    write_scenario(supervisor, title)
    assign_by_action(supervisor, title, counselor)
    first = open_page(demo_site.practice_page(counselor, title), counselor)
    begin_chat(first)

    edit_scenario(supervisor, title, f"{title}, edited")
    send_message(first, f"Hello, my name is Sam. {QUESTION}")
    expect_caller_answer(first, 3)
    end_chat(first)
    expect(grade_badge(first)).to_be_visible()
    assign_by_action(supervisor, f"{title}, edited", counselor)
    second = open_page(demo_site.practice_page(counselor, f"{title}, edited"), counselor)
    begin_chat(second)
    send_message(second, "Thank you for telling me.")
    expect_caller_answer(second, 3)
    end_chat(second)
    expect(grade_badge(second)).to_be_visible()

    for page in (first, second):
        open_tab(page, "Checks")
    own = [page.locator("[data-check][data-source=scenario] .verdict-title") for page in (first, second)]
    expect(first.get_by_role("heading", level=1)).to_have_text(title)
    expect(own[0]).to_have_text([re.compile("Asks directly about thoughts of suicide.$")])
    expect(second.get_by_role("heading", level=1)).to_have_text(f"{title}, edited")
    expect(own[1]).to_have_count(2)
    for words in ("Thanks the caller for their trust.", "Asks about the roommate."):
        expect(own[1].filter(has_text=words)).to_have_count(1)


def selected(field: Locator) -> str:
    return str(field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)"))


@pytest.mark.prove
def test_advice_appears_while_writing(open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/scenarios/scenario/add/", SUPERVISOR)
    prompt, advice = page.get_by_label("Prompt", exact=True), page.get_by_label("Advice on the prompt")
    expect(advice).to_contain_text("There is none right now.")

    prompt.fill(f"You are Noor {SMILE * 3}, 20, and afraid.\n" + "You wait. " * 400 + "\nYou will be graded.")
    advice.get_by_role("button", name="You will be graded.").click()

    expect(prompt).to_be_focused()
    assert selected(prompt) == "You will be graded."
    assert prompt.evaluate("field => field.scrollTop") > 0
    expect(page.get_by_role("status").filter(has_text="Advice on the prompt: 1.")).to_have_count(1)
    prompt.fill("You are Noor, 20, and afraid.")
    expect(advice).to_contain_text("There is none right now.")
    expect(page.get_by_role("status").filter(has_text="on the prompt")).to_have_count(0)


@pytest.mark.prove
def test_character_counter_shows_length_and_excess(open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/scenarios/scenario/add/", SUPERVISOR)
    description = page.get_by_label("Description", exact=True)

    expect(description).to_have_accessible_description("Counselors can read this. 0 of 1,000 characters")
    description.fill(f"{SMILE}\n" * 500)
    expect(description).to_have_accessible_description("Counselors can read this. 1,000 of 1,000 characters")
    description.fill(f"{SMILE}\n" * 501)
    expect(description).to_have_accessible_description(
        "Counselors can read this. 1,002 of 1,000 characters (2 too many)"
    )


@pytest.mark.prove
def test_saved_scenario_is_tried_in_one_click(open_page: Callable[..., Page]) -> None:
    page, title = open_page("/admin/", SUPERVISOR), f"Dormitory {uuid4().hex[:6]}"
    write_scenario(page, title)
    page.get_by_role("link", name=title, exact=True).first.click()

    page.get_by_label("Prompt", exact=True).fill("You are Jules, 20, and afraid.")
    page.get_by_role("link", name="Try as a chat").click()
    hint = page.get_by_text("Save first to try your latest changes.")
    expect(hint).to_be_focused()
    page.get_by_role("button", name="Save and continue editing").click()
    expect(hint).to_have_count(0)
    page.get_by_role("link", name="Try as a chat").click()

    expect(page).to_have_url(re.compile("/training/chat/trial/"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.goto("/admin/scenarios/scenario/")
    page.get_by_role("link", name=f"Try as a call: {title}").click()
    expect(page).to_have_url(re.compile("/training/voice/trial/"))


@pytest.mark.prove
def test_one_time_scenario_is_assigned_and_promoted(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    counselor, title = demo_site.add_counselor(), f"After your call {uuid4().hex[:6]}"
    page = open_page("/admin/scenarios/scenario/", SUPERVISOR)
    page.get_by_role("link", name="Write for one counselor").click()
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Prompt", exact=True).fill("You are Jules, 19, and afraid.")
    page.get_by_role("button", name="Save and assign").click()
    expect(page.locator(".errornote")).to_be_visible()
    page.get_by_role("checkbox", name=counselor).check()
    page.get_by_role("button", name="Save and assign").click()
    expect(page.locator(".messagelist")).to_have_text(f"“{title}” was saved and assigned to {counselor}.")
    assert "/training/voice/" in demo_site.practice_page(counselor, title)

    page.goto("/admin/scenarios/scenario/")
    expect(rows(page).filter(has_text=title)).to_have_count(0)
    page.get_by_role("link", name="One-time", exact=True).click()
    run_action(page, "Promote to the library…", title)
    page.get_by_role("checkbox", name="I have read it, and it contains no personal details").check()
    page.get_by_role("button", name="Promote selected").click()
    expect(page.locator(".messagelist")).to_have_text("1 scenario was promoted to the library.")

    page.goto("/admin/scenarios/scenario/")
    expect(rows(page).filter(has_text=title)).to_have_count(1)


@pytest.mark.prove
def test_selected_scenarios_are_exported(open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/scenarios/scenario/", SUPERVISOR)

    with page.expect_download() as download:
        run_action(page, "Export as JSON", CHAT)

    pack = json.loads(download.value.path().read_text())
    assert [row["title"] for row in pack["scenarios"]] == [CHAT]


@pytest.fixture
def graded_call(open_page: Callable[..., Page], demo_site: DemoSite) -> tuple[str, str]:
    """Return (session id, counselor's email) of a typed and graded call."""
    counselor = demo_site.add_counselor(CALLS[0])
    page = open_page(demo_site.practice_page(counselor, CALLS[0]), counselor)
    start_typing(page)
    type_line(page, QUESTION)
    session = hang_up(page)
    expect(grade_badge(page)).to_be_visible()
    expect(page.get_by_label(re.compile("^Recording of"))).to_be_visible()
    return session, counselor


def test_session_is_played_read_and_graded_again(open_page: Callable[..., Page], graded_call: tuple[str, str]) -> None:
    session, counselor = graded_call
    page = open_page("/admin/training/session/", SUPERVISOR)
    rows(page).filter(has_text=counselor).get_by_role("link").first.click()
    expect(page.locator(".field-transcript")).to_contain_text(QUESTION)
    player = page.locator(".form-row audio")
    player.evaluate("audio => audio.readyState >= 1 || new Promise((done) => (audio.onloadedmetadata = () => done()))")
    expect(page.locator(".field-feedback").get_by_role("link", name=re.compile("^Version"))).to_have_count(1)

    page.goto("/admin/training/session/")
    run_action(page, "Grade again", counselor)
    page.get_by_role("button", name="Grade again").click()
    expect(page.locator(".messagelist")).to_contain_text("1 session queued for grading.")
    page.goto(f"/sessions/{session}/")

    expect(grade_badge(page)).to_be_visible()
    open_tab(page, "Transcript")
    expect(page.locator("#turns > li").first).to_contain_text(QUESTION)
    page.goto(f"/admin/training/session/{session}/change/")
    expect(page.locator(".field-feedback").get_by_role("link", name=re.compile("^Version"))).to_have_count(2)


def test_stranger_cannot_see_a_session(
    open_page: Callable[..., Page], graded_call: tuple[str, str], monitor: PageMonitor
) -> None:
    session, counselor = graded_call
    own = open_page(f"/sessions/{session}/", SUPERVISOR)
    audio = own.locator("#recording audio").get_attribute("src")
    assert audio
    monitor.expect_statuses(404)
    page = open_page("/admin/", STRANGER)

    for address in [f"/sessions/{session}/", f"/sessions/{session}/feedback/", f"/api/sessions/{session}/", audio]:
        assert page.request.get(address).status == 404, address
    page.goto(f"/sessions/{session}/")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text(CALLS[0])
    for model in ("training/session", "recordings/recording", "scenarios/scenario", "evaluation/evaluation"):
        page.goto(f"/admin/{model}/")
        expect(rows(page)).to_have_count(0)
    page.goto(f"/admin/training/session/{session}/change/")
    expect(page.locator(".messagelist")).to_contain_text("doesn’t exist")
    page.goto("/sessions/")
    expect(page.get_by_role("heading", name="No one has practiced yet")).to_be_visible()
    page.goto("/admin/training/assignment/add/")
    expect(page.get_by_label("Counselor", exact=True).locator("option")).to_have_count(1)  # the empty choice


@pytest.mark.prove
def test_supervisor_sees_only_their_organization(open_page: Callable[..., Page], demo_site: DemoSite) -> None:
    page = open_page("/admin/accounts/user/", SUPERVISOR)

    expect(rows(page).filter(has_text="evaluator@example.org")).to_have_count(1)
    expect(rows(page).filter(has_text=STRANGER)).to_have_count(0)
    page.goto("/admin/scenarios/scenario/")
    expect(rows(page).filter(has_text=CHAT)).to_have_count(1)


@pytest.mark.prove
def test_evaluator_overrules_a_verdict(open_page: Callable[..., Page], graded_call: tuple[str, str]) -> None:
    session, counselor = graded_call
    page = open_page(f"/admin/training/session/{session}/change/", EVALUATOR)
    page.locator(".field-feedback").get_by_role("link", name="Version 1").click()
    page.get_by_role("button", name="Add another Review").click()
    review = page.locator("#reviews-0")
    review.locator("[name$=-verdict]").first.select_option(label="Overrule")
    review.get_by_role("textbox").fill("The question came too early.")
    save(page)

    page.goto(f"/admin/training/session/{session}/change/")
    page.locator(".field-feedback").get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("The question came too early.").first).to_be_visible()
    expect(page.get_by_text("Tomas Vrba").first).to_be_visible()
