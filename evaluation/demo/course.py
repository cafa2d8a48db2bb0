"""Eight weeks of practice at the demo's center, loaded through the same services as real practice."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from accounts.models import Cohort, Organization, User
from evaluation.demo.conversations import play_conversation
from evaluation.demo.grades import grade_conversation
from evaluation.demo.scripts import Course, read_course, write_conversations
from evaluation.models import Dispute, Evaluation
from evaluation.services.flags import dispute_verdict
from scenarios.models import Scenario
from training.models import Assignment
from training.services.assignments import assign

_JOINED_BEFORE = timedelta(days=60)
_ASSIGNED_BEFORE = timedelta(days=14)  # from an assignment to its due date
_DISPUTED_AFTER = timedelta(hours=3)  # after the feedback


def load_course(
    center: Organization, password: str, people: dict[str, User], scenarios: Mapping[str, Scenario]
) -> None:
    """Add the course's counselors to `people`, and load their assignments, conversations, and disputes."""
    course = read_course()
    _add_counselors(course, center, password, people)
    for conversation, practice in write_conversations(course):
        session = play_conversation(conversation, people, scenarios)
        evaluation = grade_conversation(session, conversation, people)
        if practice.dispute:
            _add_dispute(evaluation, people[practice.counselor], practice.dispute.key, practice.dispute.text)
    _add_assignments(course, people, scenarios)


def _add_counselors(course: Course, center: Organization, password: str, people: dict[str, User]) -> None:
    joined = timezone.now() - _JOINED_BEFORE
    for row in course.counselors:
        person = User.objects.create(
            email=row.email,
            password=password,
            organization=center,
            first_name=row.first_name,
            last_name=row.last_name,
            date_joined=joined,
        )
        people[row.email] = person
        Cohort.objects.get_or_create(organization=center, name=row.cohort)[0].counselors.add(person)


def _add_dispute(evaluation: Evaluation, counselor: User, key: str, text: str) -> None:
    dispute = dispute_verdict(evaluation.criteria.get(key=key), counselor, text)
    assert evaluation.completed_at
    Dispute.objects.filter(pk=dispute.pk).update(created_at=evaluation.completed_at + _DISPUTED_AFTER)


def _add_assignments(course: Course, people: Mapping[str, User], scenarios: Mapping[str, Scenario]) -> None:
    supervisor = people["supervisor@example.org"]
    for row in course.assignments:
        due = timezone.localdate() + timedelta(days=row.due_in_days)
        assignment = assign(scenarios[row.scenario], people[row.counselor], supervisor, due_date=due)
        created = timezone.now() + timedelta(days=row.due_in_days) - _ASSIGNED_BEFORE
        assert assignment
        # No one is emailed about assignments of the past.
        Assignment.objects.filter(pk=assignment.pk).update(
            created_at=created, announced_at=created, reminded_at=timezone.now()
        )
