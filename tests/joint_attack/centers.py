"""The organizations of the joint attack: a noisy one with all its people, and a quiet one with its history."""

from accounts.models import Organization, User, Webhook, WebhookEvent
from evaluation.models import Evaluation
from scenarios.models import Mode, Scenario
from tests.support.fixtures import add_person, add_scenario, client_of, write_turns
from training.models import EndReason, Session
from training.services.session_start import start_free_practice
from training.services.sessions import end_session

CHATTERS, CALLERS = 6, 11  # people of the noisy organization
HISTORY = 8  # graded chats of each quiet counselor, as many as the dashboard lists
LATER = 3600.0  # seconds


def key_of(person: User) -> str:
    """Log the person in, and return the key of the session."""
    return client_of(person).cookies["sessionid"].value


class QuietCenter:
    """An organization whose counselors practice one after another."""

    def __init__(self, counselors: int) -> None:
        self.organization = Organization.objects.create(name="Quiet center")
        self.scenario = add_scenario(self.organization, "Night train")
        people = [
            add_person(self.organization, User.Role.COUNSELOR, f"quiet{number}@example.org")
            for number in range(counselors)
        ]
        self.logins = [key_of(person) for person in people]
        for person in people:
            for _ in range(HISTORY):
                end_chat(person, self.scenario)


class NoisyCenter:
    """An organization whose people attack."""

    def __init__(self, receiver_port: int) -> None:
        self.organization = Organization.objects.create(name="Noisy center", call_slots=50)
        self.chat_scenario = add_scenario(self.organization, "Noisy chat")
        self.phone_scenario = add_scenario(self.organization, "Noisy call", Mode.PHONE)
        self.flooder = self._add_counselor("flooder")
        self.chatters = [self._add_counselor(f"chatter{number}") for number in range(CHATTERS)]
        self.callers = [self._add_counselor(f"caller{number}") for number in range(CALLERS)]
        self.admin = add_person(self.organization, User.Role.ADMIN, "admin@noisy.example")
        Webhook.objects.create(
            organization=self.organization,
            url=f"http://127.0.0.1:{receiver_port}/",
            events=[WebhookEvent.SESSION_COMPLETED, WebhookEvent.EVALUATION_READY],
            created_by=self.admin,
            secret="whsec_eA==",
        )
        self.waiting = end_chat(self.flooder, self.chat_scenario)
        Evaluation.objects.filter(session=self.waiting).postpone(LATER)

    def _add_counselor(self, name: str) -> User:
        return add_person(self.organization, User.Role.COUNSELOR, f"{name}@noisy.example")


def end_chat(person: User, scenario: Scenario) -> Session:
    """Return an ended chat, whose evaluation waits for a worker."""
    session = start_free_practice(person, Mode.CHAT, scenario)[0]
    write_turns(session, "hi. is this a real person?", "Hello, my name is Sam. What makes going home so hard?")
    end_session(session, EndReason.HUNG_UP)
    return session
