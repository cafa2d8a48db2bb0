from django.dispatch import Signal

# Sent inside the transaction that ends a session, with `session`. Evaluation and the call's gateway listen.
session_ended = Signal()

# Sent when the gateway that holds a call should look at it now, with `session_id`: its counselor logged out, say.
# Only a hint: whoever does not hear it finds out with the next heartbeat.
line_touched = Signal()
