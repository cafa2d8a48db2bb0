"""How the connection to the model stands: is it there, is it to be tried again, is it to be replaced in time."""

from voicegateway.briefing import Limits


class Upstream:
    """One connection after another; each is a session of its own, which knows nothing of the one before."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.sessions = 0
        self.is_connected = False
        self.is_configured = False
        self.connected_at = now
        self.replace_at = now
        self.failures = 0
        self.code = ""  # of the loss that is being mended
        self.dial_at = now

    @property
    def is_mending(self) -> bool:
        """Has it been lost, and is it not back yet?"""
        return bool(self.code)

    def connected(self, now: float) -> None:
        self.sessions += 1
        self.is_connected, self.is_configured, self.connected_at = True, False, now
        self.replace_at = now + self.limits.rollover_after

    def expires_in(self, seconds: float, now: float) -> None:
        """What upstream says of it itself; it gives no warning when the time has come."""
        self.replace_at = min(self.replace_at, now + max(1.0, seconds - self.limits.rollover_before_expiry))

    def configured(self) -> bool:
        """It speaks for us now. Return whether that mends a loss."""
        was_lost, self.code = self.is_mending, ""
        self.is_configured = True
        return was_lost

    def lost(self, code: str, now: float) -> bool:
        """Return whether it is worth another try, at `dial_at`."""
        if self.is_configured and now - self.connected_at >= self.limits.steady_after:
            self.failures = 0
        self.code = code
        self.is_connected = self.is_configured = False
        self.failures += 1
        if self.failures > len(self.limits.redial_after):
            return False
        self.dial_at = now + self.limits.redial_after[self.failures - 1]
        return True

    def works(self) -> None:
        """It has been heard to speak: whatever happens next is another matter."""
        self.failures = 0

    def is_stuck(self, now: float) -> bool:
        """It took our greeting and does not return it."""
        waited = now - self.connected_at
        return self.is_connected and not self.is_configured and waited >= self.limits.configured_within

    def is_old(self, now: float) -> bool:
        return self.is_configured and now >= self.replace_at
