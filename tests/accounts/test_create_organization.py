import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization, User


@pytest.fixture
def typed(monkeypatch):
    """Return a function that pipes a password to the command's standard input."""

    def type_in(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))

    return type_in


def test_a_center_begins_with_its_administrator_and_its_lists(db, typed, client):
    typed("long enough and not common")

    call_command("create_organization", "Lakeside Line", "Head@Lakeside.example")

    center = Organization.objects.get(name="Lakeside Line")
    [person] = center.people.all()
    assert (person.email, person.role, person.is_superuser) == ("head@lakeside.example", "admin", False)
    assert (center.categories.count(), center.skills.count()) == (4, 15)
    assert client.login(email="head@lakeside.example", password="long enough and not common")


@pytest.mark.parametrize(
    ("email", "password", "complaint"),
    [("no address", "long enough and not common", "valid email"), ("a@b.example", "short", "too short")],
)
def test_what_is_wrong_is_said_and_nothing_is_created(db, typed, email, password, complaint):
    typed(password)

    with pytest.raises(CommandError, match=complaint):
        call_command("create_organization", "Lakeside Line", email)

    assert not Organization.objects.filter(name="Lakeside Line").exists()


def test_a_taken_address_creates_nothing(typed, counselor):
    typed("long enough and not common")

    with pytest.raises(CommandError, match="already taken"):
        call_command("create_organization", "Lakeside Line", counselor.email)

    assert not Organization.objects.filter(name="Lakeside Line").exists()
    assert User.objects.get(email=counselor.email) == counselor
