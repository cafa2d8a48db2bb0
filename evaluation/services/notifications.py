"""Emails to counselors whose feedback is ready."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.services.email_sender import absolute_url, send_notification, until_time_is_up
from evaluation.models import Evaluation
from training.models import Session


def _ready_body(title: str, url: str) -> str:
    return _(
        """Your feedback on "%(title)s" is ready.

Read your feedback:
%(url)s
"""
    ) % {"title": title, "url": url}


def send_feedback_ready_emails() -> int:
    """Email up to `NOTICES_AT_ONCE` counselors whose feedback is ready. Return the number of evaluations handled."""
    ready = Evaluation.objects.latest_completed().filter(announced_at=None).exclude(session__kind=Session.Kind.TRIAL)
    rows = ready.select_related("session__counselor", "session__scenario_version").order_by("completed_at")
    return sum(_send_feedback_ready(evaluation) for evaluation in until_time_is_up(rows[: settings.NOTICES_AT_ONCE]))


def _send_feedback_ready(evaluation: Evaluation) -> bool:
    session = evaluation.session
    text = _ready_body(session.scenario_title, absolute_url(reverse("evaluation:session", args=[session.pk])))
    person = session.counselor
    if not send_notification(person, is_wanted=person.mail_feedback, subject=_("Your feedback is ready"), text=text):
        return False
    Evaluation.objects.filter(pk=evaluation.pk).update(announced_at=timezone.now())
    return True
