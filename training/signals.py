"""Signals of the training app."""

from django.dispatch import Signal

# Sent with `session` inside the transaction that ends it. Received by `recordings`, `evaluation`, and `voicegateway`.
session_ended = Signal()

# Sent with `session_id` when the gateway that holds the call should check it now, e.g. after its counselor logged out.
# Only a hint: if it is lost, the next heartbeat makes the same check.
call_check_requested = Signal()
