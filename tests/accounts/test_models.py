import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Account, Organization, User
from tests.support.fixtures import PASSWORD, add_person

pytestmark = pytest.mark.both_databases


def test_user_for_user_limits_counselors_to_themselves(counselor, colleague, supervisor, stranger):
    assert list(User.objects.for_user(counselor)) == [counselor]
    assert set(User.objects.for_user(supervisor)) == {counselor, colleague, supervisor}
    assert list(User.objects.for_user(stranger)) == [stranger]


def test_account_number_is_unique_in_organization(organization, other_organization, account):
    Account.objects.create(organization=other_organization, name="Theirs", number="717")
    Account.objects.create(organization=organization, name="Without a number")
    Account.objects.create(organization=organization, name="Another without")

    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(organization=organization, name="Again", number="717")


def test_external_id_is_unique_in_organization(organization, other_organization):
    people = [add_person(organization, "counselor", f"{n}@example.org") for n in range(3)]
    stranger = add_person(other_organization, "counselor", "x@example.net")
    for person in (people[0], stranger):
        User.objects.filter(pk=person.pk).update(external_id="A-17")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=people[1].pk).update(external_id="A-17")


def test_email_is_lowercase_and_unique(organization):
    person = User(organization=organization, email="Sam.Okafor@Example.ORG", password="!")
    person.full_clean()
    person.save()

    assert person.email == "sam.okafor@example.org"
    with pytest.raises(ValidationError, match="already exists"):
        User(organization=organization, email="SAM.Okafor@example.org", password="!").full_clean()


def test_superuser_is_admin_of_operators(db):
    person = User.objects.create_superuser("Root@Example.org", PASSWORD)

    assert (person.email, person.role, person.is_staff, person.organization.name) == (
        "root@example.org",
        "admin",
        True,
        "Operators",
    )
    assert Organization.objects.count() == 1


@pytest.mark.parametrize("role", User.Role.values)
def test_is_staff_excludes_counselors_and_services(organization, role):
    assert add_person(organization, role, "one@example.org").is_staff is (role not in {"counselor", "service"})


def test_account_str_has_name_and_number(account):
    assert str(account) == "Harbor State Line (717)"
