"""Every kind of page in Chromium under the Content Security Policy. Chromium reports a violation as a console error.

All other tests of the demo's pages fail on a violation, too, because their monitor sees the console.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import FAKE_MICROPHONE
from tests.browser.demo_site import DemoSite, PageMonitor


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return FAKE_MICROPHONE


COUNSELOR, ADMIN, VISITOR = "counselor@example.org", "admin@example.org", ""
PAGES = {
    VISITOR: ["/", "/account/login/", "/account/password/reset/"],
    COUNSELOR: [
        "/",
        "/progress/",
        "/sessions/",
        "/training/library/",
        "/training/voice/free/",
        "/training/chat/free/",
        "/training/voice/warm-up/",
        "/guides/",
        "/guides/feedback/",
        "/account/password/change/",
        "/account/notices/",
    ],
    ADMIN: [
        "/team/",
        "/attention/",
        "/live/",
        "/assignments/",
        "/assignments/new/",
        "/feedback/",
        "/flags/?handling=all",
        "/reviews/",
        "/reviews/agreement/",
        "/accounts/",
        "/accounts/new/",
        "/center/",
        "/center/people/",
        "/center/cohorts/",
        "/center/integrations/",
        "/center/integrations/tokens/new/",
        "/center/integrations/webhooks/new/",
        "/scenarios/",
        "/scenarios/new/",
        "/scenarios/import/",
        "/scenarios/drafts/",
        "/admin/",
    ],
}
ADD_FORMS = ("/admin/scenarios/scenario/add/", "/admin/training/assignment/add/", "/admin/accounts/user/add/")


@pytest.mark.parametrize("email", PAGES)
def test_pages_keep_to_the_policy(open_page: Callable[..., Page], email: str) -> None:
    """Open pages. The monitor fails the test on any console message."""
    page = open_page("/account/login/", email)
    for path in PAGES[email]:
        answer = page.goto(path)
        assert answer is not None
        assert (answer.status, "unsafe" in answer.headers["content-security-policy"]) == (200, False), path


def test_admin_pages_keep_to_the_policy(open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/", ADMIN)
    lists = page.locator("#content-main .model-list a, #content-main th a").evaluate_all(
        "links => links.map(a => a.href)"
    )

    for address in [*lists, *ADD_FORMS]:
        page.goto(address)
        first = page.locator("#result_list tbody th a").first
        if first.count():
            first.click()
            expect(page.locator("#content h1, #content-main form").first).to_be_visible()

    assert len(lists) > 8


def test_documentation_of_the_api_keeps_to_the_policy(open_page: Callable[..., Page]) -> None:
    page = open_page("/api/docs/")

    expect(page.get_by_text("/api/sessions/", exact=True).first).to_be_visible()
    page.get_by_text("/api/sessions/", exact=True).first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()


def test_a_violation_is_noticed(open_page: Callable[..., Page], monitor: PageMonitor) -> None:
    monitor.expected_problems.append("Content Security Policy")
    page = open_page("/account/login/")

    with page.expect_console_message(lambda message: "script-src" in message.text):
        page.evaluate(
            "const added = document.createElement('script'); added.textContent = '1'; document.body.append(added);"
        )

    assert [problem for problem in monitor.problems if "script-src" in problem] != []
    assert monitor.unexpected_problems == []


def test_microphone_is_refused_outside_calls(
    open_page: Callable[..., Page], demo_site: DemoSite, monitor: PageMonitor
) -> None:
    monitor.expected_problems.append("microphone is not allowed in this document")
    asked = "navigator.mediaDevices.getUserMedia({audio: true}).then(() => 'granted', error => error.name)"
    page = open_page("/training/chat/free/", COUNSELOR)
    page.context.grant_permissions(["microphone"], origin=demo_site.url)

    assert page.evaluate(asked) == "NotAllowedError"
    assert page.evaluate("document.featurePolicy.allowsFeature('microphone')") is False

    page.goto("/training/voice/free/")
    assert page.evaluate("document.featurePolicy.allowsFeature('microphone')") is True
