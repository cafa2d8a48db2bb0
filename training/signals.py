from django.dispatch import Signal

# Sent inside the transaction that ends a session, with `session`. Evaluation and the call's gateway listen.
session_ended = Signal()
