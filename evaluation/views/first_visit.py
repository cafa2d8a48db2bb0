"""Checklist of a counselor's first visit: sound, warm-up call, and how feedback works."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.web.first_steps import GUIDE_READ_COOKIE, SOUND_CHECKED_COOKIE
from accounts.web.requests import AuthenticatedRequest
from evaluation.reports.checklists import Checklist, ChecklistItem
from training.models import Session, TranscriptTurn
from training.transcript import SpeakerRole, TurnSource


def build_first_visit(request: AuthenticatedRequest) -> Checklist | None:
    """Return the checklist, or None once all is done or the counselor has had a first session.

    A warm-up call is not a session in this sense.
    """
    person = request.user
    if Session.objects.for_counselor(person).without_warm_ups().exists():
        return None
    checklist = Checklist([_sound_item(request), _warm_up_item(person), _feedback_item(request)])
    return None if checklist.is_complete else checklist


def _sound_item(request: AuthenticatedRequest) -> ChecklistItem:
    spoken = _counselor_turns(request.user).filter(source=TurnSource.SPOKEN)
    return ChecklistItem(
        title=_("Check your sound"),
        text=_("Say one sentence and see that it is heard. Headphones help."),
        is_done=SOUND_CHECKED_COOKIE in request.COOKIES or spoken.exists(),
        action=_("Check your sound"),
        url=reverse("training:warm_up"),
        icon="mic",
    )


def _warm_up_item(person: User) -> ChecklistItem:
    over = Session.objects.warm_ups_of(person).exclude(status=Session.Status.ACTIVE)
    return ChecklistItem(
        title=_("Take a two-minute warm-up call"),
        text=_("Small talk with Theo, a friendly caller. It is not recorded, not graded, and in no list."),
        is_done=_counselor_turns(person).filter(session__in=over).exists(),
        action=_("Get ready"),
        url=reverse("training:warm_up"),
        icon="phone",
    )


def _feedback_item(request: AuthenticatedRequest) -> ChecklistItem:
    return ChecklistItem(
        title=_("Read how feedback works"),
        text=_("What a grade rests on, who can read it, and what to do if you disagree. Two minutes."),
        is_done=GUIDE_READ_COOKIE in request.COOKIES,
        action=_("Read"),
        url=reverse("site:guide", args=["first-practice"]),
        icon="book-open",
    )


def _counselor_turns(person: User) -> QuerySet[TranscriptTurn]:
    return TranscriptTurn.objects.for_user(person).filter(session__counselor=person, role=SpeakerRole.COUNSELOR)
