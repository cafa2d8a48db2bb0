"""Short guides in `docs/guides`, shown as pages of the product."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from markdown_it import MarkdownIt

from accounts.web.first_steps import GUIDE_READ_COOKIE, remember_step

FOLDER = Path(__file__).parents[1] / "docs" / "guides"
FEEDBACK_GUIDE = "first-practice"  # tells counselors how feedback works


@dataclass(frozen=True)
class Guide:
    """A guide: the name of its file and address, its title, and whom it is for."""

    name: str
    title: Promise
    summary: Promise
    icon: str


GUIDES = [
    Guide(
        "first-practice",
        _("Your first practice"),
        _("Check your sound, talk with a caller, and read your feedback."),
        "phone",
    ),
    Guide("writing-a-caller", _("Writing a caller"), _("A person, a reason to call, and what you assess."), "pencil"),
    Guide(
        "feedback",
        _("Reading and correcting feedback"),
        _("What a grade rests on, and how people decide in the end."),
        "list-checks",
    ),
    Guide(
        "setting-up-a-center", _("Setting up a center"), _("From an empty center to the first assigned call."), "users"
    ),
]


@login_required
@require_GET
def guide_list(request: HttpRequest) -> HttpResponse:
    """List the guides."""
    return render(request, "guides/list.html", {"guides": GUIDES})


@login_required
@require_GET
def guide(request: HttpRequest, name: str) -> HttpResponse:
    """Show one guide. A cookie keeps that this person has read how feedback works."""
    found = next((one for one in GUIDES if one.name == name), None)
    if found is None:
        raise Http404
    others = [one for one in GUIDES if one is not found]
    response = render(request, "guides/guide.html", {"guide": found, "text": render_guide(name), "others": others})
    if name == FEEDBACK_GUIDE:
        remember_step(response, GUIDE_READ_COOKIE)
    return response


@cache
def render_guide(name: str) -> SafeString:
    """Return the guide as HTML. The files ship with the code, and raw HTML in them is escaped all the same."""
    text = (FOLDER / f"{name}.md").read_text()
    return mark_safe(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S308
