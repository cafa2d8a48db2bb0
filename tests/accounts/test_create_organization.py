import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization, User

pytestmark = pytest.mark.usefixtures("owned_store")


@pytest.fixture
def type_password(monkeypatch):
    """Return a function that pipes a password to the command's standard input."""

    def replace_stdin(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))

    return replace_stdin


def test_create_organization_adds_admin_and_default_lists(db, type_password, client):
    type_password("long enough and not common")

    call_command("create_organization", "Lakeside Line", "Head@Lakeside.example")

    center = Organization.objects.get(name="Lakeside Line")
    [person] = center.people.all()
    assert (person.email, person.role, person.is_superuser) == ("head@lakeside.example", "admin", False)
    assert (center.categories.count(), center.skills.count()) == (4, 15)
    assert client.login(email="head@lakeside.example", password="long enough and not common")


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [("no address", "long enough and not common", "valid email"), ("a@b.example", "short", "too short")],
)
def test_create_organization_rejects_invalid_input(db, type_password, email, password, message):
    type_password(password)

    with pytest.raises(CommandError, match=message):
        call_command("create_organization", "Lakeside Line", email)

    assert not Organization.objects.filter(name="Lakeside Line").exists()


def test_create_organization_rejects_taken_email(type_password, counselor):
    type_password("long enough and not common")

    with pytest.raises(CommandError, match="already taken"):
        call_command("create_organization", "Lakeside Line", counselor.email)

    assert not Organization.objects.filter(name="Lakeside Line").exists()
    assert User.objects.get(email=counselor.email) == counselor
