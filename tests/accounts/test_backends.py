import pytest

from accounts.backends import ROLE_PERMISSIONS
from accounts.models import User
from tests.support.fixtures import add_person

APPS = {
    "accounts": ["account", "cohort", "organization", "proceduredocument", "servicetoken", "user", "webhook"],
    "scenarios": ["category", "skill", "scenario", "scenariodraft"],
    "training": ["assignment", "session"],
    "evaluation": ["evaluation", "flag", "review"],
    "auth": ["group"],
    "account": ["emailaddress"],
}
ACTIONS = {"v": "view", "a": "add", "c": "change", "d": "delete"}

# Permissions by role, written by hand a second time so that a mistake in the code does not repeat here.
TABLE = """
            counselor supervisor trainer evaluator admin service
account     -         vc         v       v         vac   v
organization -        -          -       -         vc    -
proceduredocument -   va         -       -         va    -
user        -         v          -       -         vac   -
cohort      -         vacd       -       -         vacd  vacd
servicetoken -        -          -       -         vac   -
webhook     -         -          -       -         vacd  vacd
category    -         vacd       vac     -         vacd  -
skill       -         vacd       vac     -         vacd  -
scenario    -         vacd       vac     v         vacd  vac
scenariodraft -       vac        vac     -         vac   -
assignment  -         vac        -       -         vac   vac
session     -         v          -       v         v     v
evaluation  -         v          -       v         v     v
review      -         vac        -       vac       vac   -
flag        -         vc         -       v         vc    -
group       -         -          -       -         -     -
emailaddress -        -          -       -         -     -
"""
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("role", User.Role.values)
def test_role_permissions_match_table(organization, role):
    person = add_person(organization, role, "one@example.org")
    expected = {row[0]: row[1 + HEADER.index(role)] for row in ROWS}

    permissions = {
        model: "".join(letter for letter, action in ACTIONS.items() if person.has_perm(f"{app}.{action}_{model}"))
        or "-"
        for app, models in APPS.items()
        for model in models
    }

    assert permissions == expected


def test_inactive_user_has_no_permissions(organization):
    person = add_person(organization, User.Role.ADMIN, "one@example.org")
    person.is_active = False

    assert not person.has_perm("accounts.view_account")
    assert not person.has_module_perms("accounts")


def test_module_permission_follows_model_permissions(trainer, counselor):
    assert trainer.has_module_perms("scenarios") and trainer.has_module_perms("accounts")
    assert not trainer.has_module_perms("evaluation")
    assert not trainer.has_module_perms("scenario")
    assert not counselor.has_module_perms("scenarios")


def test_every_role_has_table_entry():
    assert set(ROLE_PERMISSIONS) == set(User.Role.values)
