"""Reasons why sessions end."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EndReason(models.TextChoices):
    """Reasons for the end of a session. The gateway uses the same values for calls."""

    HUNG_UP = "hung_up", _("Hung up")
    FEEDBACK = "feedback", _("Ended for feedback")
    STOPPED = "stopped", _("Stopped by the counselor")
    LINE_LOST = "line_lost", _("Connection lost")
    CALLER_LOST = "caller_lost", _("Connection to the caller lost")
    TOO_LONG = "too_long", _("Time limit reached")
    IDLE = "idle", _("No activity")
    ENDED_ELSEWHERE = "ended_elsewhere", _("Ended on another page")
    SUPERVISOR = "supervisor", _("Ended by a supervisor")
    CALLER_INAUDIBLE = "caller_inaudible", _("Caller not audible")
    REPLACED = "replaced", _("Taken over by another page")
    SHUTDOWN = "shutdown", _("Service restarted")
    FAILED = "failed", _("Technical problem")
    TOO_FAST = "too_fast", _("Too many messages")

    @property
    def explanation(self) -> str:
        """Explanation for everyone but the session's counselor; empty if none is needed."""
        return str(END_EXPLANATIONS.get(self, ""))

    @property
    def explanation_for_counselor(self) -> str:
        """Explanation that speaks to the session's own counselor; empty if none is needed."""
        return str(_EXPLANATIONS_FOR_COUNSELOR.get(self) or self.explanation)


END_EXPLANATIONS = {
    EndReason.STOPPED: _(
        "The counselor stopped this session, which is always OK. It isn’t graded and doesn’t count as an attempt."
    ),
    EndReason.LINE_LOST: _(
        "The counselor’s connection was lost and no one reconnected in time. Everything said up to that point was kept."
    ),
    EndReason.CALLER_LOST: _(
        "The connection to the caller was lost and could not be restored. The problem was on our side, not the "
        "counselor’s."
    ),
    EndReason.CALLER_INAUDIBLE: _(
        "The caller’s voice failed twice. The problem was on our side, so this call isn’t graded."
    ),
    EndReason.TOO_LONG: _("This call reached the maximum length."),
    EndReason.IDLE: _("This session ended because no one was active for a long time."),
    EndReason.ENDED_ELSEWHERE: _("The counselor ended this session on another page or device."),
    EndReason.SUPERVISOR: _("A supervisor ended this session. That doesn’t count against the counselor."),
    EndReason.SHUTDOWN: _("The service restarted, and the call was not resumed."),
    EndReason.TOO_FAST: _(
        "The call page sent far more than a person can say or type, so the call was ended. Everything said up to that "
        "point was kept."
    ),
    EndReason.FAILED: _("Something went wrong on our side. Everything said up to that point was kept."),
}
# Only where the words for other readers name the counselor.
_EXPLANATIONS_FOR_COUNSELOR = {
    EndReason.STOPPED: _(
        "You stopped this session, which is always OK. It isn’t graded and doesn’t count as an attempt."
    ),
    EndReason.LINE_LOST: _(
        "Your connection was lost, and you didn’t reconnect in time. Everything said up to that point was kept."
    ),
    EndReason.CALLER_LOST: _(
        "The connection to the caller was lost and could not be restored. The problem was on our side, not yours."
    ),
    EndReason.ENDED_ELSEWHERE: _("You ended this session on another page or device."),
    EndReason.SUPERVISOR: _("A supervisor ended this session. That doesn’t count against you."),
}
