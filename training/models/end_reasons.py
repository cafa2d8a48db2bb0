"""Reasons for which sessions end."""

from django.db import models


class EndReason(models.TextChoices):
    """Reasons for the end of a session. The gateway uses the same values for calls."""

    HUNG_UP = "hung_up", "hung up"
    FEEDBACK = "feedback", "ended for feedback"
    STOPPED = "stopped", "stopped by the counselor"
    LINE_LOST = "line_lost", "the line was lost"
    CALLER_LOST = "caller_lost", "the caller was lost"
    TOO_LONG = "too_long", "the longest time was reached"
    IDLE = "idle", "nobody spoke for a long time"
    ENDED_ELSEWHERE = "ended_elsewhere", "ended on another page"
    SUPERVISOR = "supervisor", "ended by a supervisor"
    CALLER_INAUDIBLE = "caller_inaudible", "the caller could not be heard"
    REPLACED = "replaced", "taken over by another page"
    SHUTDOWN = "shutdown", "the service was restarted"
    FAILED = "failed", "something went wrong on our side"

    @property
    def explanation(self) -> str:
        """Explanation for the participants of the session; empty if none is needed."""
        return END_EXPLANATIONS.get(self, "")


END_EXPLANATIONS = {
    EndReason.STOPPED: "The counselor stopped it. That is always all right: it is not graded and does not count as an "
    "attempt.",
    EndReason.LINE_LOST: "The connection to the counselor broke off and nobody came back in time. What was "
    "said until then is kept.",
    EndReason.CALLER_LOST: "The connection to the caller broke off and could not be made again. That was our side, not "
    "the counselor’s.",
    EndReason.CALLER_INAUDIBLE: "The caller’s voice did not come through, twice. That was our side, so this call is "
    "not graded.",
    EndReason.TOO_LONG: "A call has a longest length, and this one reached it.",
    EndReason.IDLE: "Nobody spoke for several minutes, so the call was ended after a warning.",
    EndReason.ENDED_ELSEWHERE: "It was ended on another page or device of the counselor.",
    EndReason.SUPERVISOR: "A supervisor ended it. Nothing the counselor did is held against them for that.",
    EndReason.SHUTDOWN: "The service was restarted, and the call was not taken up again.",
    EndReason.FAILED: "Something went wrong on our side. What was said until then is kept.",
}
