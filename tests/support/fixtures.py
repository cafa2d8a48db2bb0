"""Shared fixtures of the Django tests: two crisis centers with their people, scenarios, and sessions."""

import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient, Client

from accounts.models import Account, Organization, User
from evaluation.models import Evaluation
from scenarios.models import Mode, Scenario
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.standins.openai.standin_process import StandinProcess
from tests.support.store_owner import own_store
from training.models import Assignment, EndReason, Session, TranscriptTurn
from training.services.assignments import assign
from training.services.session_start import start_assignment, start_free_practice
from training.services.sessions import end_session
from training.services.turns import record_turns, write_turn

# A slow machine must not make a test fail.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")

# Words that occur nowhere else: if one appears in output, the text that contains it has leaked.
PROMPT_CANARY = "quokkaprompt"
CONTEXT_CANARY = "quokkacontext"
SECTIONS_CANARY = "quokkasections"
PROCEDURES_CANARY = "quokkaprocedures"

PASSWORD = "a quiet harbor at dawn"


def add_person(organization: Organization, role: str, email: str) -> User:
    return User.objects.create_user(email, PASSWORD, organization=organization, role=role)


def client_of(person: User) -> Client:
    """Return a test client logged in as this person, who has just confirmed their password."""
    client = Client()
    client.force_login(person)
    session = client.session
    session["account_authentication_methods_user"] = str(person.pk)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()
    return client


def body_without_csrf_token(response: Any) -> bytes:
    """Return a page's body without its CSRF token, which is masked differently each time."""
    return re.sub(rb"[A-Za-z0-9]{64}", b"", response.content)


def add_scenario(organization: Organization, title: str, mode: str = Mode.CHAT, **fields: Any) -> Scenario:
    fields.setdefault("prompt", f"You are Noor, 20, on a train. {PROMPT_CANARY}")
    return Scenario.objects.create(organization=organization, title=title, mode=mode, **fields)


def write_turns(session: Session, *texts: str, first: str = TranscriptTurn.Role.CALLER) -> list[TranscriptTurn]:
    """Write turns into a live chat, alternating between caller and counselor."""
    roles = [TranscriptTurn.Role.CALLER, TranscriptTurn.Role.COUNSELOR]
    begin = roles.index(TranscriptTurn.Role(first))
    return [write_turn(session, roles[(begin + number) % 2], text) for number, text in enumerate(texts)]


def record_turn(session_id: UUID, item: str, revision: int, **fields: Any) -> bool:
    """Save one turn as the gateway does. Return False if the same or a later revision is already saved."""
    return bool(record_turns({session_id: [TranscriptTurn(item=item, revision=revision, **fields)]}))


def run_concurrently(*calls: Callable[[], Any]) -> list[Any]:
    """Return the results of calls that start together, each in a thread with its own connection.

    An exception is returned in place of a result.
    """
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(60)
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def wait_for_database_lock() -> None:
    """Wait until a statement on another connection is waiting for a lock. PostgreSQL only."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline, "No statement is waiting for a lock."
            time.sleep(0.01)


@pytest.fixture
async def log_in(transactional_db: None) -> AsyncIterator[Callable[[User], Awaitable[AsyncClient]]]:
    """Yield an async `client_of`, for tests with their own event loop: `client = await log_in(person)`."""

    def as_client(person: User) -> AsyncClient:
        client = AsyncClient()
        client.force_login(person)
        return client

    yield sync_to_async(as_client)
    # The thread that served this test stays alive, so close its connections.
    await sync_to_async(connections.close_all)()


@pytest.fixture
def owned_store(db: None) -> None:
    """Make the test's database the owner of its object store."""
    own_store()


@pytest.fixture
def organization(owned_store: None) -> Organization:
    return Organization.objects.create(name="Harbor Crisis Center")


@pytest.fixture
def other_organization(db: None) -> Organization:
    return Organization.objects.create(name="Ridge Helpline")


@pytest.fixture
def counselor(organization: Organization) -> User:
    return add_person(organization, User.Role.COUNSELOR, "counselor@example.org")


@pytest.fixture
def colleague(organization: Organization) -> User:
    """Return another counselor of the same organization."""
    return add_person(organization, User.Role.COUNSELOR, "colleague@example.org")


@pytest.fixture
def supervisor(organization: Organization) -> User:
    return add_person(organization, User.Role.SUPERVISOR, "supervisor@example.org")


@pytest.fixture
def trainer(organization: Organization) -> User:
    return add_person(organization, User.Role.TRAINER, "trainer@example.org")


@pytest.fixture
def evaluator(organization: Organization) -> User:
    return add_person(organization, User.Role.EVALUATOR, "evaluator@example.org")


@pytest.fixture
def admin(organization: Organization) -> User:
    return add_person(organization, User.Role.ADMIN, "admin@example.org")


@pytest.fixture
def stranger(other_organization: Organization) -> User:
    """Return a supervisor of the other organization."""
    return add_person(other_organization, User.Role.SUPERVISOR, "stranger@example.net")


@pytest.fixture
def account(organization: Organization) -> Account:
    return Account.objects.create(organization=organization, name="Harbor State Line", number="717")


@pytest.fixture
def chat_scenario(organization: Organization, account: Account) -> Scenario:
    scenario = add_scenario(
        organization, "Writing from the train", account=account, relevant_policy_sections=f"2020, {SECTIONS_CANARY}"
    )
    write_evaluator_context(scenario, f"- Asks what makes going home hard. {CONTEXT_CANARY}\n- Writes briefly.")
    return scenario


@pytest.fixture
def phone_scenario(organization: Organization, account: Account) -> Scenario:
    scenario = add_scenario(organization, "Night shift", Mode.PHONE, account=account)
    write_evaluator_context(scenario, f"- Names the loneliness behind the tiredness. {CONTEXT_CANARY}")
    return scenario


@pytest.fixture
def chat_assignment(chat_scenario: Scenario, counselor: User, supervisor: User) -> Assignment:
    assignment = assign(chat_scenario, counselor, supervisor)
    assert assignment is not None
    return assignment


@pytest.fixture
def phone_assignment(phone_scenario: Scenario, counselor: User, supervisor: User) -> Assignment:
    assignment = assign(phone_scenario, counselor, supervisor)
    assert assignment is not None
    return assignment


@pytest.fixture
def chat(chat_assignment: Assignment) -> Session:
    """Return a live chat without any messages."""
    return start_assignment(chat_assignment)[0]


@pytest.fixture
def call(phone_assignment: Assignment) -> Session:
    """Return a live call without any turns."""
    return start_assignment(phone_assignment)[0]


@pytest.fixture
def free_chat(counselor: User) -> Session:
    return start_free_practice(counselor, Mode.CHAT)[0]


@pytest.fixture
def finished_chat(chat: Session) -> Session:
    """Return a finished chat that is worth grading, with its evaluation queued."""
    write_turns(
        chat,
        "hi. is this a real person?",
        "Hello, my name is Sam. I'm glad you wrote. What makes going home so hard tonight?",
        "i told them i passed",
        "That sounds really lonely. Are you thinking about suicide?",
    )
    end_session(chat, EndReason.HUNG_UP)
    return chat


@pytest.fixture
def queued_evaluation(finished_chat: Session) -> Evaluation:
    """Return the evaluation that is waiting for a worker."""
    return finished_chat.evaluations.get()


@pytest.fixture(scope="session")
def standin_process() -> Iterator[StandinProcess]:
    with StandinProcess("--index-lag", "0", "--delta-pause", "0") as process:
        yield process


@pytest.fixture
def standin(standin_process: StandinProcess, settings: Any) -> StandinProcess:
    """Return the stand-in that this test's OpenAI calls reach, with an empty request log and no faults."""
    standin_process.clear_request_log()
    standin_process.clear_faults()
    settings.OPENAI_BASE_URL = standin_process.base_url
    return standin_process
