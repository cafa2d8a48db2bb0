"""Sizes of request bodies, and permissions to send large ones."""

# Largest bodies that the ASGI middleware accepts, in bytes, by path prefix. `*` stands for an id.
BODY_LIMITS = {
    "/admin/scenarios/importjob/": 33 * 1024**2,
    "/accounts/": 21 * 1024**2,
    "/admin/": 21 * 1024**2,
    "/sessions/": 11 * 1024**2,
    "/api/sessions/*/documentation/": 11 * 1024**2,
    "/api/accounts/": 21 * 1024**2,
    "/api/scenarios/": 21 * 1024**2,
}
BODY_LIMIT = 1024**2  # bytes, for all other paths
# Permissions needed for bodies larger than BODY_SMALL, by path prefix. Elsewhere, anyone logged in may send them.
BODY_PERMISSIONS = {
    "/admin/scenarios/importjob/": "scenarios.add_importjob",
    "/admin/scenarios/": "scenarios.change_scenario",
    "/admin/": "accounts.view_account",
    "/accounts/": "accounts.change_account",
    "/api/accounts/": "accounts.change_account",
    "/api/scenarios/": "scenarios.change_scenario",
}
