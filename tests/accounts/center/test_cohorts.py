"""Pages for cohorts."""

import html

from accounts.models import Cohort
from tests.support.fixtures import client_of

COHORTS = "/center/cohorts/"


def test_cohort_is_created_filled_renamed_and_emptied(supervisor, counselor, colleague):
    client = client_of(supervisor)

    client.post(COHORTS, {"name": "Spring class"})
    cohort = Cohort.objects.get()
    path = f"{COHORTS}{cohort.pk}/"
    offered = client.get(f"{path}?q={colleague.email}").content.decode()
    client.post(f"{path}add/", {"people": [counselor.pk, colleague.pk]})
    client.post(path, {"name": "Fall class"})
    client.post(f"{path}remove/", {"people": [counselor.pk]})

    cohort.refresh_from_db()
    assert (str(colleague.pk) in offered, str(counselor.pk) in offered) == (True, False)
    assert (cohort.name, [*cohort.counselors.all()]) == ("Fall class", [colleague])


def test_name_is_unique_in_a_center(supervisor, stranger):
    Cohort.objects.create(organization=stranger.organization, name="Theirs")
    client = client_of(supervisor)

    assert client.post(COHORTS, {"name": "Theirs"}).status_code == 302
    answer = client.post(COHORTS, {"name": "Theirs"})

    assert answer.status_code == 400
    assert "A cohort with this name already exists." in html.unescape(answer.content.decode())


def test_people_of_another_center_and_deactivated_ones_cannot_be_added(supervisor, counselor, colleague, stranger):
    cohort = Cohort.objects.create(organization=supervisor.organization, name="Spring class")
    foreign = Cohort.objects.create(organization=stranger.organization, name="Theirs")
    colleague.is_active = False
    colleague.save()
    client = client_of(supervisor)

    client.post(f"{COHORTS}{cohort.pk}/add/", {"people": [stranger.pk]})
    client.post(f"{COHORTS}{cohort.pk}/add/", {"people": [colleague.pk]})

    assert not cohort.counselors.exists()
    assert client.post(f"{COHORTS}{foreign.pk}/add/", {"people": [counselor.pk]}).status_code == 404
    assert foreign.name not in client.get(COHORTS).content.decode()


def test_deleting_asks_first(supervisor, counselor):
    cohort = Cohort.objects.create(organization=supervisor.organization, name="Spring class")
    client = client_of(supervisor)

    client.post(f"{COHORTS}{cohort.pk}/delete/")
    assert Cohort.objects.exists()
    client.post(f"{COHORTS}{cohort.pk}/delete/", {"confirmed": "yes"})

    assert not Cohort.objects.exists()
