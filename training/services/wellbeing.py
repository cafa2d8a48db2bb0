"""Wellbeing of counselors: their ratings of sessions, and frequent stops."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from accounts.models import User, UserQuerySet
from training.models import Session

MIN_STOPS, STOPS_WINDOW_DAYS = 3, 30  # sessions stopped, within this many days


def record_feeling(session: Session, feeling: int, note: str = "") -> None:
    """Save the counselor's rating of a session, 1 (very hard) to 5 (easy). A later rating replaces it."""
    session.feeling, session.feeling_note = feeling, note
    session.save(update_fields=["feeling", "feeling_note"])


def counselors_with_frequent_stops(organization_id: UUID) -> UserQuerySet:
    """Return counselors who have stopped sessions often lately. That is a reason to check in with them, not a fault."""
    since = timezone.now() - timedelta(days=STOPS_WINDOW_DAYS)
    stopped = Session.objects.filter(organization_id=organization_id, started_at__gte=since).stopped()
    often = stopped.order_by().values("counselor").annotate(stops=Count("pk")).filter(stops__gte=MIN_STOPS)
    people: UserQuerySet = User.objects.filter(pk__in=often.values("counselor"))
    return people
