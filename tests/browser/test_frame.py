"""What every page shares: the bar, the tabs of phones, the theme, menus, and where the focus goes."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.demo_site import PageMonitor

COUNSELOR, ADMIN = "counselor@example.org", "admin@example.org"
PHONE = {"width": 390, "height": 844}


def test_frame_of_a_phone_stays_in_its_place(open_page: Callable[..., Page]) -> None:
    page = open_page("/", COUNSELOR)
    page.set_viewport_size(PHONE)
    assert page.locator(".demo-notice").bounding_box()["height"] <= 34
    page.locator(".demo-notice summary").click()
    expect(page.locator(".demo-notice")).to_contain_text("nothing leaves this computer")
    assert page.locator(".tabbar > *").count() == 4
    expect(page.locator(".tabbar [aria-current]")).to_have_text("Today")
    edges = set()
    for path in ("/", "/progress/", "/nothing/../offline/", "/styleguide/"):
        page.goto(path)
        edges.add(str(page.locator(".brand").bounding_box()["x"]))
    assert len(edges) == 1


def test_staff_find_the_rest_under_more(open_page: Callable[..., Page]) -> None:
    page = open_page("/", ADMIN)
    page.set_viewport_size(PHONE)
    assert page.locator(".tabbar > *").count() == 5
    more = page.locator(".tabbar summary")
    more.click()
    expect(page.locator(".tabbar .popover a").first).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(page.locator(".tabbar .popover a").first).to_be_hidden()
    expect(more).to_be_focused()


def test_chosen_theme_holds_on_every_page(open_page: Callable[..., Page]) -> None:
    page = open_page("/", ADMIN)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("summary.menu-account").click()
    with page.expect_response(lambda answer: answer.url.endswith("/theme/")):
        page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert dark != light

    for path in ("/styleguide/", "/admin/"):
        page.goto(path)
        assert page.evaluate(ground) == dark, path
    page.emulate_media(color_scheme="dark")
    page.locator("summary.menu-account").click()
    with page.expect_response(lambda answer: answer.url.endswith("/theme/")):
        page.get_by_role("button", name="Light").click()
    page.goto("/")
    assert page.evaluate(ground) == light


def test_focus_is_on_what_a_refused_form_says(open_page: Callable[..., Page]) -> None:
    page = open_page("/account/login/")
    page.set_viewport_size({"width": 390, "height": 300})
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()

    message = page.get_by_role("alert")
    expect(message).to_be_focused()
    expect(message).to_be_in_viewport(ratio=1)

    page.goto("/account/password/reset/")
    expect(page.locator(".errorlist, [data-refusal]")).to_have_count(0)
    page.goto("/styleguide/")
    assert page.evaluate("document.activeElement === document.body"), "examples of errors take no focus"


def test_explanations_and_states_of_the_style_guide(open_page: Callable[..., Page]) -> None:
    page = open_page("/styleguide/", COUNSELOR)
    shadow = "(one) => getComputedStyle(one).outlineStyle"
    focused, at_rest = page.locator("[data-show=focus].button").first, page.locator("[data-show=''].button").first
    assert (focused.evaluate(shadow), at_rest.evaluate(shadow)) == ("solid", "none")

    page.set_viewport_size(PHONE)
    page.locator("details.help summary").click()
    expect(page.locator("details.help .popover")).to_be_in_viewport(ratio=1)


def test_ways_on_from_a_page_that_is_missing(open_page: Callable[..., Page], monitor: PageMonitor) -> None:
    monitor.expect_statuses(404)
    for person, ways in (
        (COUNSELOR, ["Go to Today", "Choose a scenario"]),
        (ADMIN, ["Go to Today", "See conversations"]),
        ("", ["Log in"]),
    ):
        page = open_page("/", person)
        page.goto("/nothing-here/")
        assert page.locator("main a").all_inner_texts() == ways
