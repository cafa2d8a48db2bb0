from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Account, User
from scenarios.models import CONTEXT_FOLDER, Scenario, Skill
from tests.support.fixtures import CONTEXT_CANARY, PROMPT_CANARY, add_person
from training.models import Assignment
from training.services.one_time_scenarios import create_one_time
from training.services.session_start import start_assignment

FIELDS = {"title": "After last week's call", "prompt": f"You are Noor, 20. {PROMPT_CANARY}", "mode": "chat"}
CONTEXT = f"- Asks before advising. {CONTEXT_CANARY}"


def context_files() -> set[Path]:
    return set(Path(default_storage.path(CONTEXT_FOLDER)).rglob("*.txt"))


def test_create_one_time_creates_and_assigns(supervisor, counselor, colleague, account):
    skills = Skill.objects.filter(organization=supervisor.organization)[:2]
    tomorrow = timezone.localdate() + timedelta(days=1)

    scenario, assignments = create_one_time(
        supervisor,
        FIELDS | {"account": account},
        CONTEXT,
        skills,
        [counselor, colleague, counselor],
        due_date=tomorrow,
        notes="Take your time.",
        require_recording=True,
    )

    scenario.refresh_from_db()
    assert (scenario.is_one_time, scenario.is_active, scenario.created_by) == (True, True, supervisor)
    assert (scenario.organization, scenario.account) == (supervisor.organization, account)
    assert (scenario.evaluator_context, list(scenario.skills.all())) == (CONTEXT, list(skills))
    expected = {"scenario": scenario, "assigned_by": supervisor, "due_date": tomorrow, "status": "pending"}
    expected |= {"notes": "Take your time.", "require_recording": True, "organization": supervisor.organization}
    assert [assignment.counselor for assignment in assignments] == [counselor, colleague]
    for assignment in Assignment.objects.all():
        assert {name: getattr(assignment, name) for name in expected} == expected
    assert set(Assignment.objects.all()) == set(assignments)


def test_one_time_scenario_is_outside_the_library_and_can_be_started(supervisor, counselor):
    scenario, (assignment,) = create_one_time(supervisor, FIELDS, CONTEXT, [], [counselor])

    session, is_new = start_assignment(assignment)

    assert list(Scenario.objects.playable_by(counselor)) == []
    assert (is_new, session.counselor, session.scenario, session.mode) == (True, counselor, scenario, "chat")
    assert session.scenario_version.evaluator_context == CONTEXT


@pytest.mark.django_db(transaction=True)
def test_create_one_time_saves_nothing_if_assigning_fails(supervisor, counselor, colleague):
    before = context_files()
    User.objects.filter(pk=colleague.pk).delete()

    with pytest.raises(IntegrityError):
        create_one_time(supervisor, FIELDS, CONTEXT, [], [counselor, colleague])

    assert (Scenario.objects.count(), Assignment.objects.count(), context_files()) == (0, 0, before)


def test_create_one_time_with_invalid_fields_saves_nothing(supervisor, counselor, other_organization):
    before = context_files()
    theirs = Account.objects.create(organization=other_organization, name="Theirs")
    yesterday = timezone.localdate() - timedelta(days=1)

    invalid_cases = [
        (FIELDS | {"title": ""}, CONTEXT, None),
        (FIELDS | {"account": theirs}, CONTEXT, None),
        (FIELDS, "x" * 50_001, None),
        (FIELDS, CONTEXT, yesterday),
    ]

    for fields, context, due_date in invalid_cases:
        with pytest.raises(ValidationError):
            create_one_time(supervisor, fields, context, [], [counselor], due_date=due_date)
    assert (Scenario.objects.count(), Assignment.objects.count(), context_files()) == (0, 0, before)


def test_create_one_time_refuses_counselors_of_another_organization(supervisor, counselor, other_organization):
    theirs = add_person(other_organization, User.Role.COUNSELOR, "theirs@example.net")

    with pytest.raises(ValueError, match="author's organization"):
        create_one_time(supervisor, FIELDS, CONTEXT, [], [counselor, theirs])

    assert Scenario.objects.count() == 0


def test_create_one_time_accepts_today_as_due_date(supervisor, counselor):
    today = timezone.localdate()

    _, (assignment,) = create_one_time(supervisor, FIELDS, "", [], [counselor], due_date=today)

    assert assignment.due_date == today


def test_create_one_time_needs_the_same_queries_for_any_number_of_counselors(
    supervisor, django_assert_num_queries, django_assert_max_num_queries
):
    counselors = [add_person(supervisor.organization, User.Role.COUNSELOR, f"c{n}@example.org") for n in range(30)]
    with django_assert_max_num_queries(20) as queries:
        create_one_time(supervisor, FIELDS, CONTEXT, [], counselors[:1])

    with django_assert_num_queries(len(queries)):
        create_one_time(supervisor, FIELDS, CONTEXT, [], counselors)
