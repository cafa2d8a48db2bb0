"""Sign-in and role permissions."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model

from accounts.models import User

_VIEW = frozenset({"view"})
_VIEW_ADD = frozenset({"view", "add"})
_VIEW_CHANGE = frozenset({"view", "change"})
_VIEW_ADD_CHANGE = frozenset({"view", "add", "change"})
_ALL = _VIEW_ADD_CHANGE | {"delete"}

# Actions that each role may perform, by model. `docs/permissions.md` shows this table and explains the actions beyond
# view, add, change, and delete. Each model's `for_user` checks this table and limits the rows.
ROLE_PERMISSIONS: dict[str, dict[str, frozenset[str]]] = {
    User.Role.COUNSELOR: {},
    User.Role.SUPERVISOR: {
        "accounts.account": _VIEW_CHANGE,
        "accounts.proceduredocument": _VIEW_ADD,
        "accounts.user": _VIEW,
        "accounts.cohort": _ALL,
        "scenarios.category": _ALL,
        "scenarios.skill": _ALL,
        "scenarios.scenario": _ALL,
        "scenarios.importjob": _VIEW_ADD,
        "scenarios.scenariodraft": _VIEW_ADD_CHANGE,
        "training.assignment": _VIEW_ADD_CHANGE,
        "training.session": _VIEW | {"follow", "end", "export"},
        "recordings.recording": _VIEW_CHANGE | {"listen", "download", "erase"},
        "evaluation.evaluation": _VIEW | {"grade"},
        "evaluation.guidelines": _VIEW_ADD,
        "evaluation.review": _VIEW_ADD_CHANGE,
        "evaluation.flag": _VIEW_CHANGE,
        "evaluation.dispute": _VIEW,
        "evaluation.comment": _VIEW_ADD,
        "evaluation.documentationreview": _VIEW_CHANGE,
        "evaluation.tally": _VIEW,
    },
    User.Role.TRAINER: {
        "accounts.account": _VIEW,
        "scenarios.category": _VIEW_ADD_CHANGE,
        "scenarios.skill": _VIEW_ADD_CHANGE,
        "scenarios.scenario": _VIEW_ADD_CHANGE,
        "scenarios.importjob": _VIEW_ADD,
        "scenarios.scenariodraft": _VIEW_ADD_CHANGE,
    },
    User.Role.EVALUATOR: {
        "accounts.account": _VIEW,
        "scenarios.category": _VIEW,
        "scenarios.skill": _VIEW,
        "scenarios.scenario": _VIEW,
        "training.session": frozenset({"review"}),
        "recordings.recording": frozenset({"listen"}),
        "evaluation.evaluation": _VIEW,
        "evaluation.review": _VIEW_ADD_CHANGE,
        "evaluation.flag": _VIEW,
        "evaluation.dispute": _VIEW,
    },
}
# Upper limit for external systems. A token's scopes narrow it.
ROLE_PERMISSIONS[User.Role.SERVICE] = {
    "accounts.account": _VIEW,
    "accounts.user": _VIEW,
    "accounts.cohort": _ALL,
    "accounts.webhook": _ALL,
    "scenarios.scenario": _VIEW_ADD_CHANGE,
    "scenarios.importjob": _VIEW_ADD,
    "training.assignment": _VIEW_ADD_CHANGE,
    "training.session": _VIEW | {"follow"},
    "recordings.recording": _VIEW | {"listen", "download"},
    "evaluation.evaluation": _VIEW | {"grade"},
    "evaluation.comment": _VIEW,
    "evaluation.documentationreview": _VIEW,
}
ROLE_PERMISSIONS[User.Role.ADMIN] = ROLE_PERMISSIONS[User.Role.SUPERVISOR] | {
    "accounts.account": _VIEW_ADD_CHANGE | {"trace"},
    "accounts.user": _VIEW_ADD_CHANGE,
    "accounts.invitation": _VIEW_ADD_CHANGE,
    "accounts.servicetoken": _VIEW_ADD_CHANGE,
    "accounts.webhook": _ALL,
    "accounts.organization": _VIEW_CHANGE,
}

# Actions that everyone may perform on rows about themselves, whatever their role.
OWN_PERMISSIONS: dict[str, frozenset[str]] = {
    "accounts.user": _VIEW,
    "training.assignment": _VIEW,
    "training.session": _VIEW_ADD | {"follow", "end", "export"},
    "recordings.recording": _VIEW | {"listen", "download"},
    "evaluation.evaluation": _VIEW | {"grade"},
    "evaluation.dispute": _VIEW_ADD,
    "evaluation.comment": _VIEW,
    "evaluation.documentationreview": _VIEW_ADD_CHANGE,
    "evaluation.tally": _VIEW,
}


class RoleBackend(AuthenticationBackend):
    """Sign-in by email address. Permissions follow from the role, so checking one needs no query."""

    def get_user(self, user_id: object) -> User | None:
        """Return the user with their organization, which every request needs for its time zone."""
        user = User.objects.select_related("organization").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def _authenticate_by_email(self, email: str, password: str) -> AbstractBaseUser | None:
        """Look up the user by their current address only. allauth would also accept unconfirmed and former ones."""
        user = User.objects.filter(email=User.objects.normalize_email(email.strip())).first()
        return self._check_password(user, password)

    def has_perm(self, user_obj: User, perm: str, obj: Model | None = None) -> bool:
        app, _, codename = perm.partition(".")
        action, _, model = codename.partition("_")
        return user_obj.is_active and action in ROLE_PERMISSIONS[user_obj.role].get(f"{app}.{model}", ())

    def has_module_perms(self, user_obj: User, app_label: str) -> bool:
        return user_obj.is_active and any(
            model.startswith(f"{app_label}.") for model in ROLE_PERMISSIONS[user_obj.role]
        )
