"""Addresses of the web server and limits on its requests."""

from environs import validate

from config.settings.environment.parser import above_zero, at_least_one, env, not_negative, validate_origins

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", validate=validate.Length(min=1))
# Full origins of the web pages, e.g. https://practice.example.org. The call WebSocket accepts no others.
WEB_ORIGINS: list[str] = env.list("WEB_ORIGINS", validate=[validate.Length(min=1), validate_origins])
# Full origins of other sites whose scripts may call the API with a token. They never send a login's cookies.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ORIGINS", [], validate=validate_origins)
GATEWAY_URL = env.str("GATEWAY_URL", validate=validate.Regexp(r"^wss?://", error="must begin with ws:// or wss://"))
# Number of our proxies in front of the web server. Login rate limits use the client address that they forward.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0, validate=not_negative)
# Rules for browsers if the pages are served over https. Without SSL_REDIRECT, the proxy must redirect.
SSL_REDIRECT = env.bool("SSL_REDIRECT", True)
HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", True)
HSTS_PRELOAD = env.bool("HSTS_PRELOAD", True)

# Requests in progress in one web process, per person and per client address that is not logged in. Above these limits,
# the response is 429. Above the limit of the process, it is 503.
REQUESTS_PER_PERSON = env.int("REQUESTS_PER_PERSON", 20, validate=at_least_one)
REQUESTS_PER_ADDRESS = env.int("REQUESTS_PER_ADDRESS", 60, validate=at_least_one)
REQUESTS_PER_PROCESS = env.int("REQUESTS_PER_PROCESS", 200, validate=at_least_one)
# Requests of one person that run at the same time. For an address, twice as many run. The others wait their turn.
REQUESTS_AT_ONCE = env.int("REQUESTS_AT_ONCE", 2, validate=at_least_one)
# Requests that wait for a result (`Prefer: wait=N`). Above these limits, they are answered without waiting.
WAITS_PER_PERSON = env.int("WAITS_PER_PERSON", 10, validate=not_negative)
WAITS_PER_PROCESS = env.int("WAITS_PER_PROCESS", 100, validate=not_negative)
# Bodies larger than BODY_SMALL are read only from people and systems that may send them.
BODY_SMALL = env.int("BODY_SMALL", 64 * 1024, validate=validate.Range(min=1024))  # bytes
BODY_TIMEOUT = env.float("BODY_TIMEOUT", 15.0, validate=above_zero)  # s for any body, plus its size at this rate:
BODY_MIN_RATE = env.int("BODY_MIN_RATE", 64 * 1024, validate=at_least_one)  # bytes per second
BODIES_PER_ADDRESS = env.int("BODIES_PER_ADDRESS", 100, validate=at_least_one)  # small ones being received
BODIES_PER_PROCESS = env.int("BODIES_PER_PROCESS", 1000, validate=at_least_one)  # small ones being received
LARGE_BODIES_PER_PERSON = env.int("LARGE_BODIES_PER_PERSON", 3, validate=at_least_one)  # being received
LARGE_BODIES_PER_PROCESS = env.int("LARGE_BODIES_PER_PROCESS", 20, validate=at_least_one)  # being received

# Failed logins allowed within LOGIN_ATTEMPTS_WINDOW, counted in the database.
LOGIN_ATTEMPTS_PER_ACCOUNT = env.int("LOGIN_ATTEMPTS_PER_ACCOUNT", 5, validate=at_least_one)
LOGIN_ATTEMPTS_PER_ADDRESS = env.int("LOGIN_ATTEMPTS_PER_ADDRESS", 50, validate=at_least_one)
LOGIN_ATTEMPTS_WINDOW = env.float("LOGIN_ATTEMPTS_WINDOW", 300.0, validate=above_zero)  # seconds
