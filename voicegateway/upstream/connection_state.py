"""State of the connection to the model: connected, configured, lost, or due for a rollover."""

from voicegateway.conversation.call_config import Limits


class ConnectionState:
    """State across successive connections. Each is an upstream session of its own, without memory of the last."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.session_count = 0
        self.is_connected = False
        self.is_configured = False
        self.connected_at = now
        self.rollover_at = now
        self.failures = 0
        self.loss_code = ""  # error code of the current loss; empty while there is none
        self.connect_at = now  # time of the next connection attempt

    @property
    def is_reconnecting(self) -> bool:
        """Return True from the loss of a connection until its successor is configured."""
        return bool(self.loss_code)

    def mark_connected(self, now: float) -> None:
        self.session_count += 1
        self.is_connected, self.is_configured, self.connected_at = True, False, now
        self.rollover_at = now + self.limits.rollover_after

    def set_expiry(self, seconds: float, now: float) -> None:
        """Schedule the rollover before the announced expiry. Upstream gives no warning when a session expires."""
        self.rollover_at = min(self.rollover_at, now + max(1.0, seconds - self.limits.rollover_before_expiry))

    def mark_configured(self) -> bool:
        """Note that upstream has accepted the configuration. Return True if this ends a loss."""
        was_lost, self.loss_code = self.is_reconnecting, ""
        self.is_configured = True
        return was_lost

    def mark_lost(self, code: str, now: float) -> bool:
        """Note a loss. Return True and set `connect_at` if another attempt is allowed."""
        if self.is_configured and now - self.connected_at >= self.limits.stable_after:
            self.failures = 0
        self.loss_code = code
        self.is_connected = self.is_configured = False
        self.failures += 1
        if self.failures > len(self.limits.reconnect_delays):
            return False
        self.connect_at = now + self.limits.reconnect_delays[self.failures - 1]
        return True

    def reset_failures(self) -> None:
        """Reset the count of failures, because the caller was audible over this connection."""
        self.failures = 0

    def is_configuration_overdue(self, now: float) -> bool:
        """Return True if upstream has not accepted the configuration within `configured_within` seconds."""
        waited = now - self.connected_at
        return self.is_connected and not self.is_configured and waited >= self.limits.configured_within

    def is_rollover_due(self, now: float) -> bool:
        return self.is_configured and now >= self.rollover_at
