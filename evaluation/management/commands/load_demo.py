"""Command that loads the people, documents, scenarios, and past conversations of the demo."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Cohort, Organization, User
from evaluation.demo.accounts import FOLDER, MAIN_ACCOUNT, add_accounts
from evaluation.demo.audio import finish_recordings
from evaluation.demo.conversations import play_conversation, read_conversations
from evaluation.demo.course import load_course
from evaluation.demo.grades import grade_conversation
from scenarios.models import Category, Scenario, Skill
from scenarios.services.evaluator_contexts import write_evaluator_context
from training.services.assignments import assign

CENTER, OTHER_CENTER = "Harbor Crisis Center", "Ridge Helpline"
SUPPORT = "Ruth Lindqvist, supervisor on duty: extension 12, day and night\nPeer group: Thursdays at 18:00, room 4"
PEOPLE = {
    "counselor@example.org": ("Sam", "Okafor", User.Role.COUNSELOR),
    "maya@example.org": ("Maya", "Brooks", User.Role.COUNSELOR),
    "supervisor@example.org": ("Ruth", "Lindqvist", User.Role.SUPERVISOR),
    "trainer@example.org": ("Ines", "Moreau", User.Role.TRAINER),
    "evaluator@example.org": ("Tomas", "Vrba", User.Role.EVALUATOR),
    "admin@example.org": ("Ada", "Quist", User.Role.ADMIN),
}


class Command(BaseCommand):
    help = "Load the people, accounts, scenarios, and history of the demo. Does nothing if they are already loaded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--password", required=True, help="password for every demo user")
        parser.add_argument("--short", action="store_true", help="leave out the eight weeks of practice")

    def handle(self, *args: Any, **options: Any) -> None:
        if Organization.objects.filter(name=CENTER).exists():
            return
        with transaction.atomic():
            self._load(options)
        finish_recordings()

    def _load(self, options: dict[str, Any]) -> None:
        password = make_password(options["password"])  # hashed once, because hashing is slow on purpose
        center = Organization.objects.create(
            name=CENTER, support_contacts=SUPPORT, time_zone="America/New_York", transcription_language="en"
        )
        people = {
            email: User.objects.create(
                email=email, password=password, organization=center, first_name=first, last_name=last, role=role
            )
            for email, (first, last, role) in PEOPLE.items()
        }
        other = Organization.objects.create(name=OTHER_CENTER, time_zone="America/Denver", transcription_language="es")
        User.objects.create(
            email="stranger@example.net",
            password=password,
            organization=other,
            first_name="Kim",
            last_name="Stranger",
            role=User.Role.SUPERVISOR,
        )
        supervisor, counselor = people["supervisor@example.org"], people["counselor@example.org"]
        cohort = Cohort.objects.create(organization=center, name="Spring class")
        cohort.counselors.add(counselor, people["maya@example.org"])
        account = add_accounts(center, supervisor)[MAIN_ACCOUNT]
        for row in json.loads((FOLDER / "scenarios.json").read_text()):
            _add_scenario(row, account, supervisor, counselor)
        scenarios = {scenario.title: scenario for scenario in Scenario.objects.filter(organization=center)}
        for conversation in read_conversations():
            session = play_conversation(conversation, people, scenarios)
            if not session.was_stopped:
                grade_conversation(session, conversation, people)
        if not options["short"]:
            load_course(center, password, people, scenarios)


def _add_scenario(row: dict[str, Any], account: Account, supervisor: User, counselor: User) -> None:
    """Create a scenario from a row of scenarios.json, and assign it to the counselor."""
    center = account.organization
    due = timezone.localdate() + timedelta(days=row.pop("due_in_days"))
    skills, context = row.pop("skills"), row.pop("evaluator_context")
    category = Category.objects.get(organization=center, name=row.pop("category"))
    scenario = Scenario.objects.create(
        organization=center, account=account, category=category, created_by=supervisor, **row
    )
    scenario.skills.set(Skill.objects.filter(organization=center, name__in=skills))
    write_evaluator_context(scenario, context)
    assign(scenario, counselor, supervisor, due_date=due)
