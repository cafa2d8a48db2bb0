from datetime import timedelta
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from accounts.models import User, UserQuerySet
from training.models import Session

OFTEN, LATELY = 3, 30  # conversations stopped, in so many days


def say_feeling(session: Session, feeling: int, note: str = "") -> None:
    """How it was for the counselor, 1 (very hard) to 5 (easy). They may change their mind."""
    session.feeling, session.feeling_note = feeling, note
    session.save(update_fields=["feeling", "feeling_note"])


def people_to_talk_to(organization_id: UUID) -> UserQuerySet:
    """Who stopped conversations often lately: not a fault, a reason to talk."""
    since = timezone.now() - timedelta(days=LATELY)
    stopped = Session.objects.filter(organization_id=organization_id, started_at__gte=since).stopped()
    often = stopped.order_by().values("counselor").annotate(stops=Count("pk")).filter(stops__gte=OFTEN)
    people: UserQuerySet = User.objects.filter(pk__in=often.values("counselor"))
    return people
