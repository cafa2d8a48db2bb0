"""Page for the settings of a center."""

import html
import re

from django.contrib import admin as django_admin
from django.test import RequestFactory

from accounts.center.sections import SECTIONS, SETTINGS
from accounts.models import Feature, Organization
from tests.support.fixtures import client_of

CENTER = "/center/"
VALID = {
    "features": ["free_practice", "chat", "drafts"],
    "default_pass_mark": "70",
    "default_attempts": "3",
    "default_recording": "on",
    "holds_feedback": "on",
    "agreement_minimum": "12",
    "time_zone": "America/Denver",
    "transcription_language": "es",
    "call_slots": "9",
    "recording_days": "400",
    "keeps_sources": "on",
    "support_contacts": "Ruth, extension 12",
}


def page_of(response) -> str:
    return html.unescape(response.content.decode())


def test_every_field_that_an_administrator_may_change_is_a_setting(admin, organization):
    request = RequestFactory().get("/")
    request.user = admin
    model_admin = django_admin.site._registry[Organization]
    read_only = set(model_admin.get_readonly_fields(request, organization))
    fields = {field.name for field in Organization._meta.fields if field.editable and not field.auto_created}
    changeable = {name for name in model_admin.get_fields(request, organization) if name in fields} - read_only

    page = page_of(client_of(admin).get(CENTER))

    assert set(SETTINGS) == changeable == fields - read_only - {"id", "created_at"}
    assert re.findall(r'data-setting="(\w+)"', page) == [*SETTINGS]
    assert all(f'id="{section.key}"' in page and str(section.title) in page for section in SECTIONS)


def test_settings_are_saved(admin, organization):
    response = client_of(admin).post(CENTER, VALID, follow=True)

    organization.refresh_from_db()
    saved = {name: getattr(organization, name) for name in SETTINGS}
    numbers = {"call_slots": 9, "recording_days": 400, "default_pass_mark": 70, "default_attempts": 3}
    switches = {"keeps_sources": True, "default_recording": True, "holds_feedback": True, "features": {}}
    assert saved == VALID | numbers | switches | {"agreement_minimum": 12}
    assert "Saved. The settings apply from now on." in page_of(response)


def test_features_are_turned_off_and_on(admin, organization):
    client = client_of(admin)

    client.post(CENTER, VALID | {"features": ["free_practice"]})

    organization.refresh_from_db()
    assert organization.features == {"chat": False, "drafts": False}
    assert [feature.key for feature in Feature if organization.has_feature(feature)] == ["free_practice"]
    page = page_of(client.get(CENTER))
    assert re.findall(r'name="features" value="(\w+)"[^>]* checked', page) == ["free_practice"]
    client.post(CENTER, VALID | {"features": [feature.key for feature in Feature]})
    organization.refresh_from_db()
    assert organization.features == {}


def test_every_feature_is_on_the_page_with_its_explanation(admin):
    page = page_of(client_of(admin).get(CENTER))

    assert re.findall(r'name="features" value="(\w+)"', page) == [feature.key for feature in Feature]
    assert all(f"{feature.title}</span>" in page and str(feature.explanation) in page for feature in Feature)


def test_unknown_feature_saves_nothing(admin, organization):
    response = client_of(admin).post(CENTER, VALID | {"features": ["free_practice", "wombat"]})

    organization.refresh_from_db()
    assert (response.status_code, organization.features, organization.call_slots) == (400, {}, 25)


def test_operators_change_features_in_the_admin_too(admin, organization):
    url = f"/admin/accounts/organization/{organization.pk}/change/"
    client = client_of(admin)

    assert re.findall(r'name="features" value="(\w+)"[^>]* checked', page_of(client.get(url))) == [*VALID["features"]]
    client.post(url, VALID | {"features": ["chat", "drafts"]})

    organization.refresh_from_db()
    assert organization.features == {"free_practice": False}


def test_models_are_shown_as_the_operator_has_set_them(admin, settings):
    settings.EVALUATOR_MODEL, settings.REALTIME_VOICE = "grader-9", "wren"

    page = page_of(client_of(admin).get(CENTER))

    shown = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert shown["Grades conversations"] == "grader-9"
    assert shown["Speaks as the caller"] == f"{settings.REALTIME_MODEL}, voice “wren”"
    assert len(shown) == 7
    assert "you can’t change them here" in page


def test_wrong_value_saves_nothing_and_stays_in_the_field(admin, organization):
    response = client_of(admin).post(CENTER, VALID | {"call_slots": "0"})

    organization.refresh_from_db()
    page = page_of(response)
    assert (response.status_code, organization.call_slots, organization.time_zone) == (400, 25, "")
    assert "Nothing was saved." in page and "greater than or equal to 1" in page
    assert re.search(r'name="call_slots" value="0"[^>]*aria-invalid="true"', page)


def test_deleting_kept_complaints_must_be_confirmed(admin, organization):
    Organization.objects.filter(pk=organization.pk).update(keeps_sources=True)
    client = client_of(admin)
    fields = {name: value for name, value in VALID.items() if name != "keeps_sources"}

    asked = client.post(CENTER, fields)
    organization.refresh_from_db()
    assert (asked.status_code, organization.keeps_sources) == (400, True)
    assert 'name="confirms_complaint_deletion"' in page_of(asked)
    client.post(CENTER, fields | {"confirms_complaint_deletion": "on"})

    organization.refresh_from_db()
    assert organization.keeps_sources is False


def test_value_that_is_not_offered_by_name_is_kept(admin, organization):
    Organization.objects.filter(pk=organization.pk).update(time_zone="EST5EDT", transcription_language="yue")

    page = page_of(client_of(admin).get(CENTER))

    assert '<option value="EST5EDT" selected>' in page and '<option value="yue" selected>' in page


def test_settings_of_other_centers_stay(admin, other_organization):
    client_of(admin).post(CENTER, VALID)

    other_organization.refresh_from_db()
    assert (other_organization.time_zone, other_organization.call_slots) == ("", 25)


def test_name_is_not_a_setting(admin, organization):
    client_of(admin).post(CENTER, VALID | {"name": "Wombat"})

    organization.refresh_from_db()
    assert organization.name == "Harbor Crisis Center"
