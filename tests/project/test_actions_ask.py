"""Admin actions and changing routes: each names its permission, and what cannot be undone asks first."""

import inspect

import pytest
from django.contrib.admin import site
from django.test import RequestFactory

from accounts.models import Account, Organization, User
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from training.services.assignments import assign

# Every admin action of ours: the permission it asks for, and `asks` if a page asks before it changes anything.
ACTIONS = {
    "accounts.organization delete_selected": "delete asks",  # this and the next three only for operators
    "accounts.account delete_selected": "delete asks",
    "accounts.user delete_selected": "delete asks",
    "training.assignment delete_selected": "delete asks",
    "accounts.servicetoken delete_selected": "delete asks",
    "accounts.servicetoken revoke": "revoke asks",
    "accounts.proceduredocument try_again": "retry",
    "accounts.cohort delete_selected": "delete asks",
    "accounts.webhook delete_selected": "delete asks",
    "scenarios.category delete_selected": "delete asks",
    "scenarios.skill delete_selected": "delete asks",
    "scenarios.scenario assign_to_counselors": "assign asks",
    "scenarios.scenario make_inactive": "change",
    "scenarios.scenario make_active": "change",
    "scenarios.scenario promote_to_library": "change asks",
    "scenarios.scenario take_out_of_library": "change",
    "scenarios.scenario export_as_json": "view",
    "scenarios.scenario export_as_csv": "view",
    "scenarios.scenario delete_selected": "delete asks",
    "training.assignment reset": "change asks",
    "training.assignment cancel": "change asks",
    "training.session grade_again": "grade asks",
    "training.session end_live": "end asks",
    "recordings.recording delete_now": "erase asks",
    "auth.group delete_selected": "delete asks",
}
# Actions that only read. Every other one asks for more than the permission to view.
READING = {"scenarios.scenario export_as_json", "scenarios.scenario export_as_csv"}
LOCAL_APPS = {"accounts", "scenarios", "training", "recordings", "evaluation", "auth"}


def found_actions(user: User) -> dict[str, list[str]]:
    """Return the permissions of each action that the admin site offers to this user."""
    request = RequestFactory().get("/admin/")
    request.user = user
    found = {}
    for model, model_admin in site._registry.items():
        for name, (function, _name, _description) in model_admin.get_actions(request).items():
            found[f"{model._meta.label_lower} {name}"] = list(getattr(function, "allowed_permissions", []))
    return found


@pytest.fixture
def operator(admin) -> User:
    admin.is_superuser = True
    admin.save()
    return admin


def test_every_admin_action_names_its_permission(operator):
    found = found_actions(operator)

    assert {name: permissions for name, permissions in found.items() if name not in ACTIONS} == {}
    assert {name for name in ACTIONS if name not in found} == set()
    assert {name: found[name] for name, declared in ACTIONS.items() if found[name] != declared.split()[:1]} == {}
    assert {name for name, permissions in found.items() if permissions == ["view"]} == READING


def test_actions_that_only_some_roles_may_take_are_hidden_from_the_others(evaluator, trainer):
    assert {name.split()[1] for name in found_actions(evaluator)} == {"export_as_json", "export_as_csv"}
    assert "grade_again" not in " ".join(found_actions(trainer))


# Rows of these models can be deleted only while nothing refers to them.
DELETED_UNUSED = ["accounts.organization", "accounts.account", "accounts.user", "training.assignment"]


@pytest.fixture
def rows(operator, counselor, account, phone_assignment, call, organization, one_time_scenario):
    """Return one row of each model that has an asking action. Those in `DELETED_UNUSED` are in use."""
    from django.contrib.auth.models import Group  # noqa: PLC0415  (only this fixture uses it)

    from accounts.integrations.service_tokens import issue_service_token  # noqa: PLC0415
    from accounts.integrations.webhooks import add_webhook  # noqa: PLC0415
    from accounts.models import Cohort  # noqa: PLC0415
    from recordings.models import Recording  # noqa: PLC0415

    return {
        "accounts.servicetoken": issue_service_token(operator, "LMS", ["sessions:read"])[0],
        "accounts.organization": organization,
        "accounts.account": account,
        "accounts.user": counselor,
        "accounts.cohort": Cohort.objects.create(organization=organization, name="Spring class"),
        "accounts.webhook": add_webhook(operator, "https://learning.example.org/", ["evaluation.ready"]),
        "scenarios.category": organization.categories.first(),
        "scenarios.skill": organization.skills.first(),
        "scenarios.scenario": one_time_scenario,
        "training.assignment": phone_assignment,
        "training.session": call,
        "recordings.recording": Recording.objects.create(session=call, organization=organization),
        "auth.group": Group.objects.create(name="a group"),
    }


@pytest.fixture
def one_time_scenario(organization):
    return add_scenario(organization, "Only once", is_one_time=True)  # noqa: F405


@pytest.fixture
def unused_rows(supervisor, counselor, organization, chat_scenario):
    """Return a row of each model in `DELETED_UNUSED` that nothing refers to."""
    return {
        "accounts.organization": Organization.objects.create(name="Founded by mistake"),
        "accounts.account": Account.objects.create(organization=organization, name="Unused line", number="800"),
        "accounts.user": User.objects.create_user("typo@example.org", organization=organization, role="counselor"),
        "training.assignment": assign(chat_scenario, counselor, supervisor),
    }


@pytest.mark.parametrize("name", [name for name, declared in ACTIONS.items() if declared.endswith("asks")])
def test_asking_action_changes_nothing_before_it_is_confirmed(name, rows, unused_rows, operator):
    model, action = name.split()
    row = (rows | unused_rows)[model]
    before = type(row).objects.filter(pk=row.pk).values().get()

    data = {"action": action, "_selected_action": str(row.pk)}
    query = "?shelf=all" if model == "scenarios.scenario" else ""
    response = client_of(operator).post(f"/admin/{model.replace('.', '/')}/{query}", data)

    assert response.status_code == 200
    assert '<form method="post"' in response.content.decode()
    assert type(row).objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", DELETED_UNUSED)
def test_row_in_use_is_not_deleted_and_the_page_lists_what_uses_it(model, rows, operator):
    row = rows[model]
    data = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}

    response = client_of(operator).post(f"/admin/{model.replace('.', '/')}/", data)

    assert response.status_code == 200
    assert response.context["protected"] != []
    assert type(row).objects.filter(pk=row.pk).exists()


def test_action_functions_are_ours_or_djangos():
    """Fail if an admin class offers an action without the decorator that names permissions."""
    for model_admin in site._registry.values():
        for action in model_admin.actions or []:
            function = getattr(type(model_admin), action) if isinstance(action, str) else action
            assert inspect.isfunction(function)
            assert getattr(function, "allowed_permissions", None), f"{model_admin}: {action}"
