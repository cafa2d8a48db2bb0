from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.services.notices import address, notify
from evaluation.models import Evaluation
from training.models import Session

_READY = """The feedback on your conversation "{title}" is ready.

Read it here: {url}
"""


def sweep_ready_notices() -> int:
    """Write to counselors whose feedback is ready to read. Return how many."""
    ready = Evaluation.objects.newest_of_each().filter(announced_at=None).exclude(session__kind=Session.Kind.TRIAL)
    rows = ready.select_related("session__counselor", "session__scenario_version").order_by("completed_at")
    return sum(_tell(evaluation) for evaluation in rows[: settings.NOTICES_AT_ONCE])


def _tell(evaluation: Evaluation) -> bool:
    session = evaluation.session
    text = _READY.format(title=session.scenario_title, url=address(reverse("session", args=[session.pk])))
    person = session.counselor
    if not notify(person, is_wanted=person.mail_feedback, subject="Your feedback is ready", text=text):
        return False
    Evaluation.objects.filter(pk=evaluation.pk).update(announced_at=timezone.now())
    return True
