"""Tests that no export holds a cell that a spreadsheet program runs, whatever separator the program uses."""

import csv
import io

import pytest

from accounts.models import Organization, User
from scenarios.models import Scenario, ScenarioVersion
from tests.evaluation.test_team import streamed_text
from tests.support.fixtures import client_of

IGNORED = ' "\u00a0\u200b\u3000\ufeff'
SIGNS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def team_export(person: User, scenario: Scenario):
    return client_of(person).get("/team/export.csv")


def pack_from_api(person: User, scenario: Scenario):
    return client_of(person).get("/api/scenarios/export/?as=csv")


def pack_from_admin(person: User, scenario: Scenario):
    data = {"action": "export_as_csv", "_selected_action": [str(scenario.pk)]}
    return client_of(person).post("/admin/scenarios/scenario/", data)


@pytest.mark.parametrize("export", [team_export, pack_from_api, pack_from_admin])
@pytest.mark.parametrize(
    "text", ["=1", "x,=2", "a;\u200b=3", "\u3000+4", "b\t@x", "c|-5", "d\n\uff1d6", "\ufeff=7", '"=9']
)
def test_no_cell_of_an_export_is_a_formula(supervisor, counselor, finished_chat, export, text):
    User.objects.filter(pk=counselor.pk).update(first_name=text, last_name=text, external_id=text)
    ScenarioVersion.objects.update(title=text)
    Scenario.objects.filter(pk=finished_chat.scenario_id).update(title=text, description=text)

    written = streamed_text(export(supervisor, finished_chat.scenario))

    for separator in ",;\t|":
        cells = [cell for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator) for cell in row]
        assert [cell for cell in cells if cell.lstrip(IGNORED).startswith(SIGNS)] == []
    assert text[-1] in written


def test_export_gives_times_in_the_organizations_zone(supervisor, finished_chat, organization):
    Organization.objects.filter(pk=organization.pk).update(time_zone="Pacific/Kiritimati")

    [row] = csv.DictReader(io.StringIO(streamed_text(team_export(supervisor, finished_chat.scenario))))

    assert row["started"].endswith("+14:00") and row["ended"].endswith("+14:00")
