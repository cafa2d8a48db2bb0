"""Checklists of first steps: a counselor's first visit, and a new center."""

import pytest
from django.urls import reverse

from accounts.models import Account, Organization, ProcedureDocument, User
from accounts.web.first_steps import GUIDE_READ_COOKIE, SOUND_CHECKED_COOKIE
from evaluation.reports.center_setup import build_center_setup
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import add_person, add_scenario, assign, client_of
from training.models import EndReason, TranscriptTurn
from training.services.session_start import start_free_practice, start_warm_up
from training.services.sessions import end_session

pytestmark = pytest.mark.django_db


def first_visit_of(client) -> list[bool] | None:
    """Return which steps are done on Today, or None without the checklist."""
    response = client.get("/")
    checklist = response.context["first_visit"]
    assert ("Before your first call" in response.text) == (checklist is not None)
    return [item.is_done for item in checklist.items] if checklist else None


def speak(session, source: str) -> None:
    TranscriptTurn.objects.create(
        organization=session.organization, session=session, role="counselor", text_heard="Hello", item=source,
        revision=1, source=source,
    )  # fmt: skip


def test_first_visit_is_checked_by_facts(counselor):
    client = client_of(counselor)
    assert first_visit_of(client) == [False, False, False]

    warm_up, _ = start_warm_up(counselor)
    speak(warm_up, "typed")
    assert first_visit_of(client) == [False, False, False]
    end_session(warm_up, EndReason.HUNG_UP)
    assert first_visit_of(client) == [False, True, False]
    client.get(reverse("site:guide", args=["first-practice"]))
    assert first_visit_of(client) == [False, True, True]
    client.cookies[SOUND_CHECKED_COOKIE] = "1"
    assert first_visit_of(client) is None


def test_warm_up_without_a_word_is_not_done(counselor):
    end_session(start_warm_up(counselor)[0], EndReason.STOPPED)

    assert first_visit_of(client_of(counselor)) == [False, False, False]


def test_spoken_words_prove_that_the_sound_works(counselor):
    warm_up, _ = start_warm_up(counselor)
    speak(warm_up, "spoken")

    assert first_visit_of(client_of(counselor)) == [True, False, False]


def test_first_session_ends_the_first_visit(counselor, colleague):
    start_free_practice(counselor, "chat")

    assert first_visit_of(client_of(counselor)) is None
    assert first_visit_of(client_of(colleague)) == [False, False, False]


def test_first_visit_has_one_filled_button(counselor, chat_scenario, supervisor):
    assign(chat_scenario, counselor, supervisor)
    page = client_of(counselor).get("/").text

    assert page.count("button-primary") == 1
    assert page.index("button-primary") < page.index("Take a two-minute warm-up call")


def test_other_guides_do_not_count_as_how_feedback_works(counselor):
    client = client_of(counselor)
    client.get(reverse("site:guide", args=["writing-a-caller"]))

    assert GUIDE_READ_COOKIE not in client.cookies
    assert first_visit_of(client) == [False, False, False]


@pytest.fixture
def new_admin(db) -> User:
    return add_person(Organization.objects.create(name="A new center"), User.Role.ADMIN, "founder@example.org")


def setup_of(person: User) -> list[bool] | None:
    checklist = build_center_setup(person)
    return [item.is_done for item in checklist.items] if checklist else None


def test_center_setup_is_checked_by_facts(new_admin, chat_scenario):
    center = new_admin.organization
    assert setup_of(new_admin) == [False] * 4
    someone = add_person(center, User.Role.COUNSELOR, "first@example.org")
    assert setup_of(new_admin) == [True, False, False, False]
    account = Account.objects.create(organization=center, name="Northshore")
    document = ProcedureDocument.objects.create(
        account=account, organization=center, filename="p.pdf", status="ready", size=1, uploaded_by=new_admin
    )
    assert setup_of(new_admin) == [True, False, False, False]
    Account.objects.update(procedures=document)
    assert setup_of(new_admin) == [True, True, False, False]
    add_scenario(center, "Only for one", is_one_time=True)
    assert setup_of(new_admin) == [True, True, False, False]
    scenario = add_scenario(center, "For all")
    assert setup_of(new_admin) == [True, True, True, False]
    assign(scenario, someone, new_admin)
    assert setup_of(new_admin) is None


def test_center_setup_marks_the_first_open_step_as_next(new_admin):
    add_person(new_admin.organization, User.Role.COUNSELOR, "first@example.org")
    page = client_of(new_admin).get("/").text

    assert page.count('data-state="next"') == 1
    assert page.index('data-state="done"') < page.index('data-state="next"') < page.index("Upload a document")
    assert "1 of 4 steps done" in page


def test_center_setup_links_only_to_what_the_person_may_do(new_admin):
    center = new_admin.organization
    supervisor = add_person(center, User.Role.SUPERVISOR, "lead@example.org")

    checklist = build_center_setup(supervisor)
    assert checklist is not None
    people, *others = checklist.items
    assert (people.url, people.text) == (None, "An administrator of your center adds counselors.")
    client = client_of(supervisor)
    assert [client.get(item.url).status_code for item in others] == [200, 200, 200]
    for role in (User.Role.COUNSELOR, User.Role.TRAINER, User.Role.EVALUATOR):
        assert build_center_setup(add_person(center, role, f"{role}@example.org")) is None
