"""Every page that links lead to, for each kind of person: what axe finds, the width on a phone, and the headings.

The walks follow links, so a new page is checked once a link leads to it. The last test names pages without one.
"""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import FAKE_MICROPHONE
from tests.browser.site_walk import SiteWalk
from tests.project.test_permission_matrix import EXPECTED_ANSWERS
from tests.support.prove_run import IS_PROVE_RUN

VISITOR, COUNSELOR, ADMIN = "", "counselor@example.org", "admin@example.org"
STARTS = {
    VISITOR: ["/account/login/", "/account/password/reset/", "/account/password/reset/done/", "/offline/"],
    COUNSELOR: ["/", "/styleguide/", "/account/inactive/"],
    ADMIN: ["/"],
}
# The admin has many pages of few kinds. Logging out would end the walk, and pages of the API are for programs.
SKIPPED = r"^/(api|static)/|^/account/logout/" + ("" if IS_PROVE_RUN else r"|^/admin/.")
VISITED: set[str] = set()


@pytest.fixture(scope="module")
def flags() -> list[str]:
    return FAKE_MICROPHONE


@pytest.mark.parametrize("person", STARTS)
def test_pages_are_accessible(open_page: Callable[..., Page], person: str) -> None:
    walk = SiteWalk(open_page(STARTS[person][0], person), SKIPPED, set() if IS_PROVE_RUN else VISITED - {"/"})
    began = time.monotonic()

    walk.walk(*STARTS[person])

    VISITED.update(kind.partition("?")[0] for kind in walk.visited)
    print(f"{len(walk.visited)} pages in {time.monotonic() - began:.0f} s")
    assert walk.problems == [], "\n".join(walk.problems)
    assert len(walk.visited) >= len(STARTS[person])


# Parts of pages that scripts fetch, files, pages of emails, and pages that only a form leads to.
WITHOUT_LINK = (
    r"^/(texts\.js|manifest\.|service-worker|robots|favicon|offline/|styleguide/|admin/|api/)"
    r"|^/account/(logout|email/confirm|password/reset/key|reauthenticate)|\.(csv|txt|json)$"
    r"|^/assignments/new/(counselors|scenarios)/|^/team/people/|^/accounts/\{\}/procedures/$"
    r"|^/sessions/\{\}/(feedback|transcript|recording|comments|documentation)/$"
    # Pages of rows that the demo does not have, and what editors and polled pages fetch.
    r"|^/scenarios/(drafts/\{\}/|import/\{\}/|\{\}/published/$|sections/\{\}/$)|^/progress/risk/$"
    r"|^/center/integrations/webhooks/\{\}/$|^/guides/feedback/$"
)


@pytest.mark.prove
@pytest.mark.skipif("not VISITED", reason="runs after the walks")
def test_links_lead_to_every_page() -> None:
    """Name the pages that somebody may open, but that no walk has found."""
    pages = set()
    for line in EXPECTED_ANSWERS.splitlines():
        if line.startswith("GET ") and "200" in line:
            pages.add(re.sub(r"\{[\w.]+\}", "{}", line.split()[1]))
    found = {re.sub(r"<[^>]+>", "{}", kind) for kind in VISITED}

    assert {page for page in pages - found if not re.search(WITHOUT_LINK, page)} == set()
