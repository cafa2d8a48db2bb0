"""Deadlines of sessions and limits of a gateway."""

from config.settings.environment.parser import above_zero, at_least_one, env, not_negative

# Deadlines, in seconds. Tests shorten them; a crisis center rarely needs to change them.
# Silence after which the caller speaks first.
CALLER_OPENS_AFTER = env.float("CALLER_OPENS_AFTER", 6.0, validate=above_zero)
CALL_LIMIT = env.float("CALL_LIMIT", 60 * 60.0, validate=above_zero)  # longest call
WARM_UP_LIMIT = env.float("WARM_UP_LIMIT", 120.0, validate=above_zero)  # longest warm-up call
HEARTBEAT_EVERY = env.float("HEARTBEAT_EVERY", 3.0, validate=above_zero)  # between heartbeats of a call
LINE_KEPT_FOR = env.float("LINE_KEPT_FOR", 60.0, validate=above_zero)  # grace for a counselor to reconnect
TAKE_OVER_WAIT = env.float("TAKE_OVER_WAIT", 2.0, validate=above_zero)  # wait for another page to release a call
# Time for calls to finish before a gateway stops.
DRAIN_FOR = env.float("DRAIN_FOR", 600.0, validate=not_negative)
CALLS_PER_PROCESS = env.int("CALLS_PER_PROCESS", 150, validate=at_least_one)  # calls at once
# Seconds in which a connection to the gateway must send its whole request.
HANDSHAKE_TIMEOUT = env.float("HANDSHAKE_TIMEOUT", 10.0, validate=above_zero)
# Connections from one address that have not sent their whole request yet. Above this limit, the oldest is dropped.
HANDSHAKES_PER_ADDRESS = env.int("HANDSHAKES_PER_ADDRESS", 50, validate=at_least_one)
IDLE_WARN_AFTER = env.float("IDLE_WARN_AFTER", 120.0, validate=above_zero)  # without speech from either side
IDLE_END_AFTER = env.float("IDLE_END_AFTER", 180.0, validate=above_zero)  # without speech from either side
FRAMES_LOST_AFTER = env.float("FRAMES_LOST_AFTER", 20.0, validate=above_zero)  # without a microphone frame
RESPONSE_LOST_AFTER = env.float("RESPONSE_LOST_AFTER", 10.0, validate=above_zero)  # without output from OpenAI
UPSTREAM_ROLLOVER_AFTER = env.float("UPSTREAM_ROLLOVER_AFTER", 50 * 60.0, validate=above_zero)  # age of a connection
HEARTBEAT_LOST_AFTER = env.float("HEARTBEAT_LOST_AFTER", 90.0, validate=above_zero)  # until a call counts as dead
CHAT_IDLE_AFTER = env.float("CHAT_IDLE_AFTER", 12 * 3600.0, validate=above_zero)  # until a chat is ended
TICKET_LIFETIME = env.float("TICKET_LIFETIME", 60.0, validate=above_zero)  # of an unused call ticket
SHIP_EVERY = env.float("SHIP_EVERY", 5.0, validate=above_zero)  # between segments of a recording
