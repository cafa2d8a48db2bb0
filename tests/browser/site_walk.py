"""A walk through the site: every kind of page that links lead to, each looked at with axe."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from django.urls import Resolver404, resolve
from playwright.sync_api import Error, Page, ViewportSize

from tests.support.prove_run import IS_PROVE_RUN

Scheme = Literal["light", "dark"]
PHONE: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 768, "height": 1024}
DESK: ViewportSize = {"width": 1440, "height": 900}
# The markup is the same in both schemes, so dark needs only the rule about contrast.
ALL_LOOKS: list[tuple[ViewportSize, Scheme, list[str]]] = [
    (DESK, "light", []),
    (DESK, "dark", ["color-contrast"]),
    (TABLET, "light", []),
    (TABLET, "dark", ["color-contrast"]),
    (PHONE, "light", []),
    (PHONE, "dark", ["color-contrast"]),
]
# `make test` looks twice at each page, so that three pages have all looks. `make prove` looks at every page in all.
ALTERNATING: list[list[tuple[ViewportSize, Scheme, list[str]]]] = [
    [(DESK, "light", []), (PHONE, "dark", [])],
    [(TABLET, "light", []), (DESK, "dark", ["color-contrast"])],
    [(PHONE, "light", []), (TABLET, "dark", ["color-contrast"])],
]
RUN_AXE = """async (rules) => {
  const options = {resultTypes: ["violations"], preload: false};
  if (rules.length) options.runOnly = {type: "rule", values: rules};
  const {violations} = await axe.run(document, options);
  return violations.filter(({impact}) => impact === "serious" || impact === "critical")
    .map(({id, nodes}) => [id, String(nodes[0].target), nodes.length]);
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Links to other places of the same page are other pages only if they are its tabs or steps.
LINKS = """() => [...document.querySelectorAll("a[href]")]
  .map((link) => [link.href, link.closest(".tabs, .steps") !== null])"""
# Focus each control, and name those whose outline a box around them cuts off, in a direction in which it cannot scroll.
CUT_OUTLINES = """() => {
  const cut = [];
  for (const control of document.querySelectorAll("main :is(a[href], button, input, select, textarea, summary)")) {
    if (!control.checkVisibility() || control.type === "hidden") continue;
    control.focus({focusVisible: true});
    const {outlineStyle, outlineWidth, outlineOffset} = getComputedStyle(control);
    if (document.activeElement !== control || outlineStyle === "none") continue;
    const reach = parseFloat(outlineWidth) + parseFloat(outlineOffset) - 0.5;
    const inner = control.getBoundingClientRect();
    for (let box = control.parentElement; box && box !== document.body; box = box.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(box);
      const outer = box.getBoundingClientRect();
      const isTall = box.scrollHeight > box.clientHeight, isWide = box.scrollWidth > box.clientWidth;
      const above = outer.top - inner.top + reach, below = inner.bottom + reach - outer.bottom;
      const left = outer.left - inner.left + reach, right = inner.right + reach - outer.right;
      const cutsY = overflowY !== "visible" && !isTall && Math.max(above, below) > 0;
      const cutsX = overflowX !== "visible" && !isWide && Math.max(left, right) > 0;
      if (cutsX || cutsY) cut.push(`${control.outerHTML.slice(0, 90)} in .${box.className}`);
    }
  }
  document.activeElement.blur();
  return cut;
}"""
# Django's own widgets: hints on a span, tables that scroll on a phone, and parts of fields without a label.
TOLERATED_IN_ADMIN = re.compile(
    r"(aria-prohibited-attr|scrollable-region-focusable) at |(label|list) at (\.select2-|#id_\w+_0$)"
)


@dataclass
class SiteWalk:
    """A walk of one person. It opens one page of each kind, with links as its only map."""

    page: Page
    skipped: str = ""  # a pattern of paths that this walk leaves out
    known: set[str] = field(default_factory=set)  # kinds that another walk has looked at: only their links count
    visited: dict[str, str] = field(default_factory=dict)  # address by kind
    problems: list[str] = field(default_factory=list)

    def walk(self, *starts: str) -> None:
        waiting = [(start, False) for start in starts]
        while waiting:
            address, is_tab = waiting.pop(0)
            kind = self.kind_of(address, is_tab)
            if kind and kind not in self.visited:
                self.visited[kind] = address
                waiting += list(self.look_at(address, kind.partition("?")[0] in self.known))

    def kind_of(self, address: str, is_tab: bool) -> str:
        """Return the route of an address, with the query of a tab, or "" for an address outside of this walk."""
        parts = urlsplit(address)
        if not parts.scheme.startswith("http") and parts.scheme:  # a telephone number, or an email address
            return ""
        if parts.hostname not in (None, "127.0.0.1") or (self.skipped and re.search(self.skipped, parts.path)):
            return ""
        try:
            match = resolve(parts.path)
        except Resolver404:
            self.problems.append(f"no page at {address}")
            return ""
        app = match.kwargs.get("app_label", "")
        return f"/{match.route}{app}{'?' + parts.query if is_tab else ''}"

    def look_at(self, address: str, is_known: bool) -> Iterator[tuple[str, bool]]:
        """Check a page and return its links."""
        try:
            answer = self.page.goto(address)
        except Error as error:
            if "Download is starting" in str(error):
                return
            raise
        if answer is None or not answer.headers.get("content-type", "").startswith("text/html"):
            return
        found = [f"status {answer.status}"] if answer.status != 200 else []
        found += [] if is_known else page_problems(self.page, looks(len(self.visited)))
        self.problems += [f"{urlsplit(address).path}: {problem}" for problem in found]
        yield from self.page.evaluate(LINKS)


def looks(number: int) -> list[tuple[ViewportSize, Scheme, list[str]]]:
    return ALL_LOOKS if IS_PROVE_RUN else ALTERNATING[number % len(ALTERNATING)]


def page_problems(page: Page, looks: list[tuple[ViewportSize, Scheme, list[str]]]) -> list[str]:
    """Return what is wrong with the open page: headings, width on a phone, and what axe finds serious."""
    found = []
    # The page of a call or a chat has the heading of its next phase ready.
    if (count := page.locator("h1:visible").count()) != 1:
        found.append(f"{count} h1")
    page.evaluate(AXE_SCRIPT)
    for size, scheme, rules in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for rule, target, count in page.evaluate(RUN_AXE, rules):
            if "/admin/" not in page.url or not TOLERATED_IN_ADMIN.match(f"{rule} at {target}"):
                found.append(f"{size['width']} {scheme}: {rule} at {target} ({count})")
    page.set_viewport_size(PHONE)
    if page.evaluate(OVERFLOW) > 0:
        found.append(f"{page.evaluate(OVERFLOW)} px wider than a phone")
    if "/admin/" not in page.url:
        found += [f"outline cut off: {one}" for one in page.evaluate(CUT_OUTLINES)]
    return found
