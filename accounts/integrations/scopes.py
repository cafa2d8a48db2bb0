"""Scopes of service tokens, and the scope that each API view requires."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

View = TypeVar("View", bound=Callable[..., Any])

OPEN: Final = ""  # the `token_scope` of a view that anybody may call, without a login
CLOSED: Final = None  # the `token_scope` of a view that no service token may call
_READ_METHODS = {"GET", "HEAD", "OPTIONS"}


class Scope(models.TextChoices):
    """A resource and the kind of access to it, as stored in a token, with a label for admins."""

    SCENARIOS_READ = "scenarios:read", _("read scenarios and their prompts")
    SCENARIOS_WRITE = "scenarios:write", _("create, change, and import scenarios")
    ASSIGNMENTS_READ = "assignments:read", _("read assignments")
    ASSIGNMENTS_WRITE = (
        "assignments:write",
        _("create, change, and cancel assignments, and add counselors on first use"),
    )
    SESSIONS_READ = "sessions:read", _("read sessions and their transcripts")
    EVALUATIONS_READ = "evaluations:read", _("read feedback")
    EVALUATIONS_WRITE = "evaluations:write", _("request feedback")
    RECORDINGS_READ = "recordings:read", _("listen to recordings")
    PEOPLE_READ = "people:read", _("find counselors and cohorts")
    PEOPLE_WRITE = "people:write", _("create cohorts and change their members")
    WEBHOOKS_READ = "webhooks:read", _("read webhooks and their deliveries")
    WEBHOOKS_WRITE = "webhooks:write", _("create, change, and delete webhooks")


def token_scope(resource: str | None) -> Callable[[View], View]:
    """Declare the resource of an `@api_view`. A view class sets the attribute `token_scope` instead.

    Place it above `@api_view`, which builds the class and copies only DRF's own attributes to it.
    """

    def declare(view: View) -> View:
        view.cls.token_scope = resource  # type: ignore[attr-defined]
        return view

    return declare


def required_scope(view: object, method: str | None) -> Scope | None:
    """Return the scope that a call of `view` requires, or None if it is closed to service tokens.

    A view without `token_scope` is closed, and so is a method whose scope does not exist (`sessions:write`).
    """
    resource = getattr(view, "token_scope", CLOSED)
    scope = f"{resource}:{'read' if method in _READ_METHODS else 'write'}"
    return Scope(scope) if scope in Scope.values else None
