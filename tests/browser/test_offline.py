"""Reading without a connection: the copies that the service worker keeps, and whom they outlive."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo_site import DEMO_PASSWORD, PASSWORD, DemoSite, PageMonitor

OPEN_COPIES = """async () => {
  const pages = [];
  for (const name of await caches.keys()) {
    if (!name.startsWith("copies-")) continue;
    for (const {url} of await (await caches.open(name)).keys()) pages.push(new URL(url).pathname);
  }
  return pages.filter((path) => !path.startsWith("/static/")).sort();
}"""


@pytest.fixture
def app(open_page: Callable[..., Page], monitor: PageMonitor) -> Page:
    """Return a page with a service worker. Requests fail while it is offline, which the console says."""
    monitor.expected_problems.append("ERR_INTERNET_DISCONNECTED")
    return open_page("/account/login/", service_workers="allow")


def log_in(page: Page, email: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD if email.startswith("new-") else DEMO_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    page.evaluate("navigator.serviceWorker.ready.then(() => {})")


def wait_for_copies(page: Page, *paths: str) -> None:
    page.wait_for_function(f"async (paths) => String(await ({OPEN_COPIES})()) === String(paths)", arg=sorted(paths))


def test_last_pages_can_be_read_offline_until_logout(app: Page, demo_site: DemoSite) -> None:
    counselor = demo_site.add_counselor()
    older = demo_site.take_chat(counselor, "Hello, my name is Sam.")
    last = demo_site.take_chat(counselor, "Hello, I am Sam. What happened today?")
    log_in(app, counselor)
    wait_for_copies(app, "/")
    app.goto(f"/sessions/{older}/")
    wait_for_copies(app, "/", f"/sessions/{older}/")
    app.goto(f"/sessions/{last}/")
    expect(app.locator("[data-offline]")).to_be_hidden()
    heading = app.get_by_role("heading", level=1).inner_text()
    wait_for_copies(app, "/", f"/sessions/{last}/")

    app.context.set_offline(True)
    for path, title in (("/", None), (f"/sessions/{last}/", heading)):
        app.goto(path)
        expect(app.locator("[data-offline]")).to_contain_text("You are offline. This page was saved on")
        assert title in (None, app.get_by_role("heading", level=1).inner_text())
        assert app.evaluate("getComputedStyle(document.body).fontFamily.includes('Figtree')")
    app.goto(f"/sessions/{older}/")
    expect(app.get_by_role("heading", name="You are offline")).to_be_visible()

    app.context.set_offline(False)
    app.goto("/")
    app.locator("summary.menu-account").click()
    app.get_by_role("button", name="Log out").click()
    expect(app.get_by_role("link", name="Log in").first).to_be_visible()
    assert app.evaluate(OPEN_COPIES) == []


def test_another_person_on_the_same_device_sees_no_copy(app: Page, demo_site: DemoSite) -> None:
    log_in(app, demo_site.add_counselor())
    wait_for_copies(app, "/")
    app.context.clear_cookies()  # the session ends without a logout

    log_in(app, "supervisor@example.org")

    # A supervisor's pages show the work of others, so they are not kept either.
    wait_for_copies(app)
    app.context.set_offline(True)
    app.goto("/")
    expect(app.get_by_role("heading", name="You are offline")).to_be_visible()


def test_logout_lets_the_browser_delete_everything_without_a_script(
    open_page: Callable[..., Page], demo_site: DemoSite
) -> None:
    page = open_page("/", demo_site.add_counselor(), is_single_use=True)  # without a worker
    page.evaluate("caches.open('copies-x-today').then((cache) => cache.put('/', new Response('private')))")
    page.locator("summary.menu-account").click()

    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("link", name="Log in").first).to_be_visible()
    assert page.evaluate("caches.keys()") == []


def test_app_can_be_installed(open_page: Callable[..., Page]) -> None:
    page = open_page("/account/login/")
    described = page.evaluate("fetch(document.querySelector('[rel=manifest]').href).then((answer) => answer.json())")

    assert (described["display"], described["scope"]) == ("standalone", "/")
    for icon in described["icons"]:
        answer = page.request.get(icon["src"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        width = int.from_bytes(answer.body()[16:20], "big")
        assert icon["sizes"] == f"{width}x{width}"
    for path in ("/robots.txt", "/favicon.ico"):
        assert page.request.get(path).status == 200
