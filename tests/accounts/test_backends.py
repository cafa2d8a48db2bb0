from pathlib import Path

import pytest

from accounts.backends import ROLE_PERMISSIONS
from accounts.models import User
from tests.support.fixtures import add_person
from tests.support.permission_table import ACTIONS, render_permission_table

PERMISSIONS_PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_documented_table_is_the_code_table():
    table = render_permission_table()

    assert table in PERMISSIONS_PAGE.read_text(), f"docs/permissions.md needs this table:\n{table}"


@pytest.mark.parametrize("role", User.Role.values)
def test_has_perm_follows_the_documented_table(organization, role):
    person = add_person(organization, role, "one@example.org")
    header, _line, *rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in render_permission_table().splitlines()
    ]

    for row in rows:
        app, model = row[0].split(".")
        granted = {action for action in ACTIONS if person.has_perm(f"{app}.{action}_{model}")}
        assert granted == set(row[header.index(role)].split(", ")) - {"–"}, model


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("training.view_session", {"supervisor", "admin", "service"}),
        ("training.review_session", {"evaluator"}),
        ("training.follow_session", {"supervisor", "admin", "service"}),
        ("training.export_session", {"supervisor", "admin"}),
        ("recordings.listen_recording", {"supervisor", "evaluator", "admin", "service"}),
        ("recordings.download_recording", {"supervisor", "admin", "service"}),
        ("recordings.erase_recording", {"supervisor", "admin"}),
        ("evaluation.grade_evaluation", {"supervisor", "admin", "service"}),
        ("evaluation.add_review", {"supervisor", "evaluator", "admin"}),
    ],
)
def test_personal_data_is_open_to_these_roles_only(permission, roles):
    app, _, codename = permission.partition(".")
    action, _, model = codename.partition("_")

    assert {role for role, table in ROLE_PERMISSIONS.items() if action in table.get(f"{app}.{model}", ())} == roles


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
