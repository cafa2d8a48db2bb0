"""Each organization's own today."""

from datetime import UTC, date, datetime

import pytest
from asgiref.sync import sync_to_async
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.integrations.service_tokens import issue_service_token
from accounts.models import Organization
from evaluation.services.weekly_tallies import week_of
from tests.support.fixtures import client_of
from training.models import Assignment, Session
from training.services.notifications import send_due_notifications

# Tuesday in Auckland, still Monday in Honolulu.
NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)


@pytest.fixture
def at_night(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def move_to(organization: Organization, zone: str) -> None:
    Organization.objects.filter(pk=organization.pk).update(time_zone=zone)


def overdue_links(response) -> list[str]:
    """Return the addresses of the assignments that the attention page lists as overdue."""
    filled = [one for one in response.context["sections"] if one.section.anchor == "overdue"]
    return [row.url for one in filled for row in one.rows]


@pytest.mark.parametrize(("zone", "is_late"), [("Pacific/Honolulu", False), ("Pacific/Auckland", True), ("", False)])
def test_overdue_follows_the_organization(chat_assignment, organization, supervisor, monkeypatch, zone, is_late):
    client = client_of(supervisor)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    Assignment.objects.update(due_date=date(2026, 3, 2))
    move_to(organization, zone)

    response = client.get("/attention/")

    assert overdue_links(response) == [f"/assignments/{chat_assignment.pk}/"] * is_late
    assert timezone.get_current_timezone_name() == "UTC"


def test_token_uses_the_organizations_day(finished_chat, organization, admin):
    move_to(organization, "Pacific/Auckland")
    Session.objects.update(started_at=NOW)
    secret = issue_service_token(admin, "LMS", ["sessions:read"])[1]
    headers = {"Authorization": f"Bearer {secret}"}

    found = [
        len(client_of(admin).get(f"/api/sessions/?date_from={day}&date_to={day}", headers=headers).json()["results"])
        for day in ("2026-03-02", "2026-03-03")
    ]

    assert found == [0, 1]
    timezone.deactivate()


def test_reminder_is_sent_by_each_organizations_day(chat_assignment, organization, at_night, settings):
    settings.DUE_SOON_DAYS = 0
    Assignment.objects.update(due_date=date(2026, 3, 3), announced_at=NOW)
    move_to(organization, "Pacific/Honolulu")

    assert send_due_notifications() == 0
    move_to(organization, "Pacific/Auckland")
    assert (send_due_notifications(), mail.outbox[0].subject) == (1, "Due soon: Writing from the train")


def test_week_begins_by_the_organizations_monday(finished_chat, organization):
    Session.objects.update(started_at=datetime(2026, 3, 1, 22, 0, tzinfo=UTC))  # Sunday in UTC
    weeks = []
    for zone in ("UTC", "Pacific/Auckland"):
        move_to(organization, zone)
        weeks.append(week_of(Session.objects.get(pk=finished_chat.pk)))

    assert weeks == [date(2026, 2, 23), date(2026, 3, 2)]


def test_transcript_export_names_the_time_zone(finished_chat, organization, counselor):
    Session.objects.update(started_at=NOW)
    move_to(organization, "Pacific/Auckland")

    text = client_of(counselor).get(f"/sessions/{finished_chat.pk}/transcript.txt").content.decode()

    assert "2026-03-03 11:00 NZDT" in text


def test_administrator_sets_time_zone_and_language(admin, organization):
    client, url = client_of(admin), f"/admin/accounts/organization/{organization.pk}/change/"
    fields = {"call_slots": 5, "recording_days": 30, "support_contacts": ""}

    wrong = client.post(url, fields | {"time_zone": "Mars/Base", "transcription_language": "english"})
    right = client.post(url, fields | {"time_zone": "Europe/Berlin", "transcription_language": "de"})

    organization.refresh_from_db()
    assert (wrong.status_code, right.status_code) == (200, 302)
    assert (organization.time_zone, organization.transcription_language) == ("Europe/Berlin", "de")
    assert "“Mars/Base” is not a time zone." in wrong.content.decode()


def test_unknown_time_zone_is_refused(organization):
    organization.time_zone = "Mars/Base"

    with pytest.raises(ValidationError, match="not a time zone"):
        organization.full_clean()


async def test_page_under_asgi_uses_organizations_day(log_in, chat_assignment, organization, supervisor, monkeypatch):
    client = await log_in(supervisor)
    await sync_to_async(move_to)(organization, "Pacific/Auckland")
    await Assignment.objects.aupdate(due_date=date(2026, 3, 2))
    monkeypatch.setattr(timezone, "now", lambda: NOW)

    response = await client.get("/attention/")

    assert overdue_links(response) == [f"/assignments/{chat_assignment.pk}/"]
