"""Mail server and webhooks."""

from config.settings.environment.parser import above_zero, env, validate_ports

EMAIL_URL = env.dj_email_url("EMAIL_URL")
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", "steadyline@localhost")  # sender of all mail
MAIL_TIMEOUT = env.float("MAIL_TIMEOUT", 20.0, validate=above_zero)  # seconds for a connection to the mail server
# Allow webhooks to private addresses and without https. Only for trying out webhooks.
WEBHOOKS_TO_PRIVATE = env.bool("WEBHOOKS_TO_PRIVATE", False)
# Ports that webhooks may use.
WEBHOOK_PORTS: list[int] = env.list("WEBHOOK_PORTS", [443], subcast=int, validate=validate_ports)
WEBHOOK_TIMEOUT = env.float("WEBHOOK_TIMEOUT", 10.0, validate=above_zero)  # seconds for a whole delivery
