"""The permission table of `accounts.backends` as Markdown, for docs/permissions.md."""

from accounts.backends import OWN_PERMISSIONS, ROLE_PERMISSIONS
from accounts.models import User

# Columns of the table, in this order.
ROLES = [
    User.Role.COUNSELOR,
    User.Role.SUPERVISOR,
    User.Role.TRAINER,
    User.Role.EVALUATOR,
    User.Role.ADMIN,
    User.Role.SERVICE,
]
ACTIONS = [
    "view", "trace", "review", "follow", "listen", "download", "export", "add", "change", "grade", "end", "erase",
    "delete",
]  # fmt: skip


def render_permission_table() -> str:
    """Return the table: one row for each model, with the actions of each role and those on rows of one's own."""
    models = sorted({model for table in [*ROLE_PERMISSIONS.values(), OWN_PERMISSIONS] for model in table})
    lines = [
        "| " + " | ".join(["model", "everyone, on their own", *(role.value for role in ROLES)]) + " |",
        "|" + "---|" * (2 + len(ROLES)),
    ]
    for model in models:
        cells = [OWN_PERMISSIONS.get(model, frozenset()), *(ROLE_PERMISSIONS[role].get(model, ()) for role in ROLES)]
        lines.append("| " + " | ".join([f"`{model}`", *(_join(cell) for cell in cells)]) + " |")
    return "\n".join(lines)


def _join(actions: "frozenset[str] | tuple[()]") -> str:
    return ", ".join(sorted(actions, key=ACTIONS.index)) or "–"
