"""Conditions for the feedback and the flags that a person may read."""

from django.db.models import Q

from accounts.models import User
from training.models import readable_sessions


def readable_feedback(user: User, path: str) -> Q:
    """Return the condition for feedback that `user` may read. `path` leads to the session, such as `session__`."""
    return readable_sessions(user, path, "evaluation.view_evaluation")


def readable_flags(user: User, path: str) -> Q:
    """Return the condition for flags and scans that `user` may read. Those on their own session are never included."""
    if not user.has_perm("evaluation.view_flag"):
        return Q(pk__in=[])
    return readable_sessions(user, path) & ~Q(**{f"{path}counselor_id": user.pk})
