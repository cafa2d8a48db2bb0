"""Page of everything that needs attention, by kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.web.requests import AuthenticatedRequest
from evaluation.reports.attention import list_attention
from evaluation.reports.people_queue import QueuedPerson, describe_item


@dataclass(frozen=True)
class Section:
    """One kind of items."""

    anchor: str
    title: Any
    note: Any = ""
    view: str = ""  # the page that lists all of them, if there is one
    query: str = ""


_SECTIONS = {
    "talk_to": Section(
        "talk",
        _("Counselors to check in with"),
        _(
            "They stopped three or more conversations within a month. That isn’t a performance problem. They may be "
            "going through a hard time."
        ),
    ),
    "red_lines": Section(
        "red-lines",
        _("Red lines"),
        _("A red line was crossed in these conversations, and no one has reviewed them yet."),
        "evaluation:review_queue",
    ),
    "flags": Section("flags", _("Flags"), view="evaluation:flag_list"),
    "disputes": Section("disputes", _("Disputes"), view="evaluation:evaluation_list", query="?state=disputed"),
    "waiting": Section("waiting", _("Needs human review"), view="evaluation:review_queue"),
    "low_grades": Section(
        "low-grades",
        _("Grade F"),
        _("In the last two weeks, neither reviewed nor improved on since."),
        "evaluation:evaluation_list",
        "?grade=F",
    ),
    "overdue": Section("overdue", _("Overdue"), view="training:assignment_list", query="?status=overdue"),
    "failed": Section("failed", _("Below the pass mark"), view="training:assignment_list", query="?status=failed"),
    "declined": Section(
        "declined",
        _("Declined"),
        _("Counselors may decline a topic, and don’t need a reason. Choose another one for them."),
        "training:assignment_list",
        "?status=declined",
    ),
    "ungraded": Section("ungraded", _("Without a grade"), view="evaluation:history", query="?status=ungraded"),
    "inactive": Section("inactive", _("Not practicing"), _("No conversation in the last four weeks.")),
}
# The title beside red lines, which are not listed again.
_OTHERS_WAITING = replace(_SECTIONS["waiting"], title=_("Other feedback that needs human review"))


@dataclass(frozen=True)
class FilledSection:
    """A section with its rows."""

    section: Section
    count: int  # all items, of which `rows` shows the first
    rows: Sequence[QueuedPerson]

    @property
    def url(self) -> str:
        return reverse(self.section.view) + self.section.query if self.section.view else ""


@login_required
@permission_required("training.view_assignment", raise_exception=True)
@require_GET
def attention(request: AuthenticatedRequest) -> HttpResponse:
    """Show the people and items that need a supervisor's attention now."""
    groups = list_attention(request.user)
    named = _SECTIONS | {"waiting": _OTHERS_WAITING} if groups["red_lines"].count else _SECTIONS
    sections = [
        FilledSection(named[kind], group.count, [describe_item(kind, row) for row in group.rows])
        for kind, group in groups.items()
        if group.count
    ]
    return render(request, "evaluation/attention.html", {"sections": sections})
