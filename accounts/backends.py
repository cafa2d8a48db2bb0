from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Model

from accounts.models import User

_SEE = frozenset({"view"})
_BEGIN = frozenset({"view", "add"})
_WRITE = frozenset({"view", "add", "change"})
_ALL = _WRITE | {"delete"}

# What each role may do in the admin, by model. Which rows is decided by each model's `for_user`.
MAY: dict[str, dict[str, frozenset[str]]] = {
    User.Role.COUNSELOR: {},
    User.Role.SUPERVISOR: {
        "accounts.account": frozenset({"view", "change"}),
        "accounts.proceduredocument": _BEGIN,
        "accounts.user": _SEE,
        "accounts.cohort": _ALL,
        "scenarios.category": _ALL,
        "scenarios.skill": _ALL,
        "scenarios.scenario": _ALL,
        "scenarios.importjob": _BEGIN,
        "scenarios.scenariodraft": _WRITE,
        "training.assignment": _WRITE,
        "training.session": _SEE,
        "recordings.recording": frozenset({"view", "change"}),
        "evaluation.evaluation": _SEE,
        "evaluation.guidelines": _BEGIN,
        "evaluation.review": _WRITE,
        "evaluation.flag": frozenset({"view", "change"}),
    },
    User.Role.TRAINER: {
        "accounts.account": _SEE,
        "scenarios.category": _WRITE,
        "scenarios.skill": _WRITE,
        "scenarios.scenario": _WRITE,
        "scenarios.importjob": _BEGIN,
        "scenarios.scenariodraft": _WRITE,
    },
    User.Role.EVALUATOR: {
        "accounts.account": _SEE,
        "scenarios.scenario": _SEE,
        "training.session": _SEE,
        "evaluation.evaluation": _SEE,
        "evaluation.review": _WRITE,
        "evaluation.flag": _SEE,
    },
}
# What outside systems may at most; the scopes of a token say how much of it.
MAY[User.Role.SERVICE] = {
    "accounts.account": _SEE,
    "accounts.cohort": _ALL,
    "accounts.webhook": _ALL,
    "scenarios.scenario": _WRITE,
    "scenarios.importjob": _BEGIN,
    "training.assignment": _WRITE,
    "training.session": _SEE,
    "recordings.recording": _SEE,
    "evaluation.evaluation": _SEE,
}
MAY[User.Role.ADMIN] = MAY[User.Role.SUPERVISOR] | {
    "accounts.account": _WRITE,
    "accounts.user": _WRITE,
    "accounts.servicetoken": _WRITE,
    "accounts.webhook": _ALL,
    "accounts.organization": frozenset({"view", "change"}),
}


class RoleBackend(AuthenticationBackend):
    """A login by e-mail address, and Django permissions from the person's role: no groups, so nothing to look up."""

    def has_perm(self, user_obj: User, perm: str, obj: Model | None = None) -> bool:
        app, _, codename = perm.partition(".")
        action, _, model = codename.partition("_")
        return user_obj.is_active and action in MAY[user_obj.role].get(f"{app}.{model}", ())

    def has_module_perms(self, user_obj: User, app_label: str) -> bool:
        return user_obj.is_active and any(model.startswith(f"{app_label}.") for model in MAY[user_obj.role])
