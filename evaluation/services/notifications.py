"""Emails to counselors whose feedback is ready, and to the people who review feedback."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.services.email_sender import absolute_url, send_notification, until_time_is_up
from accounts.services.emails import Button, Email
from evaluation.models import Evaluation
from training.models import Session

REVIEW_EMAIL_EVERY = timedelta(hours=20)  # a day, so that the email comes at about the same hour


def _ready_email(session: Session) -> Email:
    return Email(
        subject=_("Your feedback is ready"),
        paragraphs=(
            _("Your feedback on “%(title)s” is ready.") % {"title": session.scenario_title},
            _("This email quotes nothing that was said."),
        ),
        button=Button(_("Read your feedback"), absolute_url(reverse("evaluation:session", args=[session.pk]))),
    )


def send_feedback_ready_emails() -> int:
    """Email up to `NOTICES_AT_ONCE` counselors whose feedback is ready. Return the number of evaluations handled."""
    ready = Evaluation.objects.latest_completed().filter(announced_at=None).exclude(session__kind=Session.Kind.TRIAL)
    rows = ready.select_related("session__counselor__organization", "session__scenario_version")
    oldest = rows.order_by("completed_at")[: settings.NOTICES_AT_ONCE]
    return sum(_send_feedback_ready(evaluation) for evaluation in until_time_is_up(oldest))


def _send_feedback_ready(evaluation: Evaluation) -> bool:
    session = evaluation.session
    person = session.counselor
    if not send_notification(person, _ready_email(session), is_wanted=person.mail_feedback):
        return False
    Evaluation.objects.filter(pk=evaluation.pk).update(announced_at=timezone.now())
    return True


def send_review_waiting_emails() -> int:
    """Email reviewers about feedback that began to wait since their last email, at most once a day.

    Return the number of people handled.
    """
    now = timezone.now()
    waiting = Evaluation.objects.needing_review().order_by().values("organization").distinct()
    due = Q(review_mail_at=None) | Q(review_mail_at__lte=now - REVIEW_EMAIL_EVERY)
    people = User.objects.filter(due, organization__in=waiting, is_active=True, mail_review=True)
    staff = people.exclude(role__in=[User.Role.COUNSELOR, User.Role.SERVICE]).select_related("organization")
    return sum(_send_review_waiting(person) for person in until_time_is_up(staff[: settings.NOTICES_AT_ONCE]))


def _send_review_waiting(person: User) -> bool:
    """Send an email if something new is waiting. Return False if nothing is new, or if the next sweep must retry."""
    now, waiting = timezone.now(), Evaluation.objects.reviewable_by(person).needing_review()
    if not waiting.filter(completed_at__gt=person.review_mail_at or now - REVIEW_EMAIL_EVERY).exists():
        return False
    count = waiting.count()
    subject = ngettext("%(count)s conversation needs your review", "%(count)s conversations need your review", count)
    email = Email(
        subject=subject % {"count": count},
        paragraphs=(
            _("A person decides where the grader was unsure."),
            _("Until then, some counselors can’t see their grade."),
        ),
        button=Button(_("Open the reviews"), absolute_url(reverse("evaluation:review_queue"))),
    )
    if not send_notification(person, email, is_wanted=person.mail_review):
        return False
    User.objects.filter(pk=person.pk).update(review_mail_at=now)
    return True
