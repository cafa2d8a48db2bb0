"""Emails to counselors whose feedback is ready."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.services.email_notifications import absolute_url, send_notification
from evaluation.models import Evaluation
from training.models import Session

_READY_BODY = """The feedback on your conversation "{title}" is ready.

Read it here: {url}
"""


def send_feedback_ready_emails() -> int:
    """Email up to `NOTICES_AT_ONCE` counselors whose feedback is ready. Return the number of evaluations handled."""
    ready = Evaluation.objects.latest_completed().filter(announced_at=None).exclude(session__kind=Session.Kind.TRIAL)
    rows = ready.select_related("session__counselor", "session__scenario_version").order_by("completed_at")
    return sum(_send_feedback_ready(evaluation) for evaluation in rows[: settings.NOTICES_AT_ONCE])


def _send_feedback_ready(evaluation: Evaluation) -> bool:
    session = evaluation.session
    text = _READY_BODY.format(
        title=session.scenario_title, url=absolute_url(reverse("evaluation:session", args=[session.pk]))
    )
    person = session.counselor
    if not send_notification(person, is_wanted=person.mail_feedback, subject="Your feedback is ready", text=text):
        return False
    Evaluation.objects.filter(pk=evaluation.pk).update(announced_at=timezone.now())
    return True
