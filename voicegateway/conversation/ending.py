"""End of a call: requested, waiting for the last transcripts, or over."""

from voicegateway.conversation.call_config import CallEndReason, CallOutcome, Limits


class Ending:
    """State of a call's end. The first requested reason applies."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requested_reason: CallEndReason | None = None  # set once the end is requested
        self.deadline = 0.0  # time at which a requested end becomes due
        self.reason: CallEndReason | None = None  # set once the call is over
        self.detail = ""  # error code, for the operator only
        self.not_gradable_reason = ""  # reason why the transcript must not be graded
        self.close_code = 0  # WebSocket close code; 0 if the reason determines it

    @property
    def is_requested(self) -> bool:
        return self.requested_reason is not None

    @property
    def is_over(self) -> bool:
        return self.reason is not None

    def request(self, reason: CallEndReason, now: float) -> bool:
        """Request the end, which then waits for the last transcripts. Return False if it was requested before."""
        if self.is_requested:
            return False
        self.requested_reason, self.deadline = reason, now + self.limits.final_transcripts_within
        return True

    def is_due(self, now: float) -> bool:
        """Return True if the time to wait for the last transcripts is over."""
        return self.is_requested and now >= self.deadline

    def complete(self) -> bool:
        """Make the requested end final. Return False if there is no request or the call is already over."""
        if self.is_over or not self.is_requested:
            return False
        self.reason = self.requested_reason
        return True

    @property
    def outcome(self) -> CallOutcome:
        return CallOutcome(self.reason or CallEndReason.FAILED, self.detail, self.not_gradable_reason, self.close_code)
