"""Scripts that run in a page and import the pages' JavaScript modules."""

from typing import Any

from playwright.sync_api import Page

LOAD = """
const from = (name) => import(`/static/training/${name}.js`);
const sine = (rate, hertz, seconds) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate));
"""


def run_script(page: Page, body: str, argument: object = None) -> Any:
    """Run a script with `from("module")` and `argument` in scope and return its result."""
    return page.evaluate(f"async (argument) => {{ {LOAD} {body} }}", argument)
