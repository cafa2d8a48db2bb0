"""Shorter retentions, which ask before they delete recordings."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.services.retention import RecordingsAtRiskError, check_retention
from recordings.models import Recording
from recordings.services.deletion import sweep_retention
from tests.support.fixtures import client_of
from training.models import Session

ASKED = "Within 26 hours, this deletes 1 recording that would otherwise be kept. No one can restore it."


@pytest.fixture
def recording(call) -> Recording:
    """Return a recording of a call with a scenario of the account, which ended 40 days ago."""
    ended_at = timezone.now() - timedelta(days=40)
    Session.objects.filter(pk=call.pk).update(status=Session.Status.COMPLETED, ended_at=ended_at)
    state = Recording.State.COMPLETED
    return Recording.objects.create(session=call, organization_id=call.organization_id, state=state)


def count_at_risk(owner: Organization | Account, days: int | None) -> int:
    try:
        check_retention(owner, days)
    except RecordingsAtRiskError as error:
        return error.count
    return 0


def save_in_admin(admin, owner: Organization | Account, **fields: object):
    own = (
        {"name": owner.name, "number": owner.number}
        if isinstance(owner, Account)
        else {"call_slots": 5, "support_contacts": "", "time_zone": "", "transcription_language": ""}
    )
    return client_of(admin).post(f"/admin/accounts/{owner._meta.model_name}/{owner.pk}/change/", own | fields)


@pytest.mark.parametrize(("days", "count"), [(None, 0), (365, 0), (41, 0), (39, 1), (1, 1)])
def test_only_recordings_older_than_the_new_retention_are_at_risk(recording, organization, account, days, count):
    assert count_at_risk(organization, days) == count
    assert count_at_risk(account, days) == count
    Organization.objects.filter(pk=organization.pk).update(recording_days=None)
    assert count_at_risk(Organization.objects.get(), days) == count


def test_recordings_that_the_change_does_not_concern_are_not_counted(recording, organization, account, stranger):
    assert count_at_risk(stranger.organization, 1) == 0
    for change in ({"is_held": True}, {"state": Recording.State.DELETED}):
        Recording.objects.update(**{"is_held": False, "state": Recording.State.COMPLETED} | change)
        assert count_at_risk(organization, 1) == 0
    Recording.objects.update(state=Recording.State.COMPLETED)
    Session.objects.update(ended_at=timezone.now() - timedelta(days=400))  # due for deletion already
    assert count_at_risk(organization, 1) == 0
    Account.objects.update(recording_days=500)  # an account's own retention wins
    assert (count_at_risk(organization, 1), count_at_risk(account, 1)) == (0, 1)


def test_account_that_drops_its_own_retention_falls_back_to_the_organizations(recording, organization, account):
    Account.objects.update(recording_days=500)
    Organization.objects.update(recording_days=30)

    assert count_at_risk(Account.objects.get(pk=account.pk), None) == 1


@pytest.mark.parametrize("kind", ["organization", "account"])
def test_form_asks_before_it_deletes_and_keeps_what_was_entered(request, recording, admin, kind):
    owner = request.getfixturevalue(kind)
    before = owner.recording_days

    asked = save_in_admin(admin, owner, recording_days=30)
    page = html.unescape(asked.content.decode())
    unchanged = type(owner).objects.get(pk=owner.pk).recording_days

    assert (asked.status_code, unchanged) == (200, before)
    assert ASKED in page
    assert "Nothing was saved." in page
    assert "Delete 1 recording" in page
    assert '<input type="checkbox" name="confirmed_deletions" value="1"' in page
    assert 'name="recording_days" value="30"' in page
    assert sweep_retention() == 0
    assert save_in_admin(admin, owner, recording_days=30, confirmed_deletions=1).status_code == 302
    assert type(owner).objects.get(pk=owner.pk).recording_days == 30


def test_confirmation_of_fewer_recordings_asks_again(recording, organization):
    with pytest.raises(RecordingsAtRiskError):
        check_retention(organization, 1, confirmed=0)

    check_retention(organization, 1, confirmed=1)


def test_change_that_deletes_nothing_is_saved_at_once(recording, admin, organization):
    assert save_in_admin(admin, organization, recording_days=60).status_code == 302
    assert save_in_admin(admin, organization, recording_days="").status_code == 302
    assert save_in_admin(admin, organization, recording_days=0).status_code == 200  # not a valid retention


def test_form_asks_before_kept_complaints_are_deleted(admin, organization):
    Organization.objects.update(keeps_sources=True)

    asked = save_in_admin(admin, organization, recording_days="")
    page = html.unescape(asked.content.decode())
    is_kept = Organization.objects.get(pk=organization.pk).keeps_sources
    confirmed = save_in_admin(admin, organization, recording_days="", confirms_complaint_deletion="on")

    assert (asked.status_code, is_kept) == (200, True)
    assert "This deletes all kept complaints." in page
    assert '<input type="checkbox" name="confirms_complaint_deletion"' in page
    assert confirmed.status_code == 302
    assert not Organization.objects.get(pk=organization.pk).keeps_sources


def test_confirmed_deletion_of_complaints_stays_visible_while_another_field_is_invalid(admin, organization):
    Organization.objects.update(keeps_sources=True)

    asked = save_in_admin(admin, organization, recording_days=0, confirms_complaint_deletion="on")

    page = asked.content.decode()
    assert "Please correct the error below." in page  # the retention's
    assert re.search(r'<input type="checkbox" name="confirms_complaint_deletion"[^>]* checked>', page)
    assert "This deletes all kept complaints." not in page
    assert Organization.objects.get(pk=organization.pk).keeps_sources
