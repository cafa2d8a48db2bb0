"""Reads of sessions, transcripts, and recordings: expected from the permission table, for every role and relation."""

import re

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from accounts.models import User
from evaluation.models import Comment, DocumentationReview, Evaluation
from recordings.models import Recording
from scenarios.services.versions import snapshot_scenario
from tests.project.test_permission_matrix import PEOPLE, has_permission, is_everyones_own
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import add_person, client_of
from tests.support.prove_run import IS_PROVE_RUN
from training.models import GRADED_STATUSES, Session, TranscriptTurn

READERS = [*PEOPLE, "former"]  # `former` was a supervisor and is deactivated
SESSIONS = ["graded", "ungraded", "live", "trial", "own", "foreign"]

# Reads of a session's data, each with the permission that others' rows need besides the sessions that they may read.
READS = {
    "/sessions/{session}/": "",
    "/sessions/{session}/transcript/": "",
    "/sessions/{session}/documentation/": "",
    "/sessions/{session}/print/": "",
    "/sessions/{session}/feedback/": "",
    "/sessions/{session}/recording/": "",
    "/sessions/{session}/transcript.txt": "training.export_session",
    "/sessions/{session}/transcript.json": "training.export_session",
    "/recordings/{recording}/audio/": "recordings.listen_recording",
    "/api/recordings/{recording}/download/": "recordings.download_recording",
    "/api/recordings/{recording}/download/?mix=mono": "recordings.download_recording",
    "/api/recordings/{recording}/link/": "recordings.download_recording",
    "/api/sessions/{session}/": "",
    "/api/sessions/{session}/evaluation/": "",
    "/api/sessions/{session}/documentation/": "evaluation.view_documentationreview",
    "/api/evaluations/{evaluation}/": "evaluation.view_evaluation",
}


def add_session(counselor: User, **fields) -> Session:
    values = {"kind": "free_practice", "mode": "phone", "status": "completed", "ended_at": timezone.now()} | fields
    session = Session.objects.create(organization=counselor.organization, counselor=counselor, **values)
    TranscriptTurn.objects.create(
        organization=session.organization, session=session, role="caller", text_heard="hello", item="1", revision=1,
        source="spoken", start_ms=0, end_ms=10,
    )  # fmt: skip
    recording = Recording(
        session=session, organization=session.organization, state="completed", size=3, sha256="x", duration_ms=10
    )
    recording.file.save("r.wav", ContentFile(b"wav"))
    DocumentationReview.objects.create(organization=session.organization, session=session, filename="d.txt", text="x")
    return session


def status_of(client: Client, path: str) -> int:
    """Return the status of a read. Streams are requested by HEAD, which asks the same permission."""
    is_stream = re.search("/(audio|download|export)", path) is not None
    return (client.head if is_stream else client.get)(path).status_code


def grade(session: Session) -> None:
    Evaluation.objects.create(
        session=session, organization=session.organization, version=1, status="completed", score=80, grade="B"
    )


@pytest.fixture
def former(organization) -> User:
    person = add_person(organization, User.Role.SUPERVISOR, "former@example.org")
    person.was = client_of(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    return person


@pytest.fixture
def sessions(counselor, colleague, supervisor, stranger, chat_scenario) -> dict[str, Session]:
    """Return sessions of the colleague, the supervisor's trial, and one of the other organization."""
    found = {
        "graded": add_session(colleague),
        "ungraded": add_session(colleague),
        "live": add_session(counselor, status="active", ended_at=None),
        "trial": add_session(supervisor, kind="trial", scenario_version=snapshot_scenario(chat_scenario, "")),
        "foreign": add_session(stranger),
    }
    for name in ("graded", "trial", "foreign"):
        grade(found[name])
    for name in ("ungraded", "live"):
        Evaluation.objects.queue_for(found[name])
    return found


def may_read(who: str, session: Session, permission: str, reader: User | None) -> bool:
    """Return whether the permission table lets this person read it."""
    if who in {"nobody", "former"} or reader is None:
        return False
    if session.counselor_id == reader.pk:
        return not permission or is_everyones_own(permission)
    if session.organization_id != reader.organization_id or session.kind == "trial":
        return False
    if permission and not has_permission(who, permission):
        return False
    if session.is_live and not has_permission(who, "training.follow_session"):
        return False
    is_graded = session.evaluations.filter(status__in=GRADED_STATUSES).exists()
    return has_permission(who, "training.view_session") or (
        is_graded and has_permission(who, "training.review_session")
    )


@pytest.mark.parametrize("who", READERS)
def test_reads_follow_the_permission_table(who, request, sessions):
    reader = None if who == "nobody" else request.getfixturevalue(who)
    client = Client() if reader is None else getattr(reader, "was", None) or client_of(reader)
    if reader is not None and who != "former":
        sessions["own"] = add_session(reader)
        grade(sessions["own"])

    wrong = {}
    for name, session in sessions.items():
        ids = {"session": session.pk, "recording": session.recording.pk, "evaluation": session.evaluations.get().pk}
        for path, permission in READS.items():
            status = status_of(client, path.format_map(ids))
            if (status == 200) != may_read(who, session, permission, reader):
                wrong[name, path] = status

    assert wrong == {}


@pytest.mark.parametrize("who", [person for person in READERS if person not in {"nobody", "former"}])
def test_lists_and_querysets_agree_with_the_reads(who, request, sessions):
    reader = request.getfixturevalue(who)
    client = client_of(reader)

    def pks(rows) -> set[str]:
        return {str(row.session_id if hasattr(row, "session_id") else row.pk) for row in rows}

    def listed(path: str, name: str) -> set[str]:
        return {row[name] for row in client.get(path).json()["results"]}

    readable = {str(one.pk) for one in sessions.values() if may_read(who, one, "", reader)}
    listable = {str(one.pk) for one in sessions.values() if may_read(who, one, "recordings.view_recording", reader)}

    assert pks(Session.objects.for_user(reader)) == listed("/api/sessions/", "id") == readable
    assert pks(TranscriptTurn.objects.for_user(reader)) == readable
    assert pks(Recording.objects.for_user(reader)) == listed("/api/recordings/", "session") == listable
    playable = {str(one.pk) for one in sessions.values() if may_read(who, one, "recordings.listen_recording", reader)}
    assert pks(Recording.objects.listenable_by(reader)) == playable


PAGES = [
    "/", "/sessions/", "/sessions/{session}/", "/sessions/{session}/transcript/", "/search/?q=e", "/progress/",
    "/team/", "/attention/", "/live/", "/feedback/", "/flags/", "/reviews/", "/assignments/", "/accounts/",
    "/center/people/", "/center/cohorts/", "/center/integrations/", "/center/", "/training/library/", "/admin/",
    "/admin/training/session/", "/admin/training/session/{session}/change/",
    "/admin/recordings/recording/{recording}/change/", "/admin/evaluation/evaluation/{evaluation}/change/",
    "/admin/scenarios/scenario/", "/admin/accounts/account/", "/scenarios/",
]  # fmt: skip


def pages_about(session: Session) -> list[str]:
    """Return the paths of all pages, with this session in those about a single one."""
    ids = {"session": session.pk, "recording": session.recording.pk, "evaluation": session.evaluations.get().pk}
    return [path.format_map(ids) for path in PAGES]


# `make test` looks at the links of the roles that may not open everything; `make prove` at those of everyone.
LINK_READERS = [person for person in PEOPLE if person != "nobody"]


@pytest.mark.parametrize("who", LINK_READERS if IS_PROVE_RUN else ["counselor", "trainer", "evaluator"])
def test_pages_show_no_link_that_would_be_refused(who, request, sessions, settings):
    reader = request.getfixturevalue(who)
    client = client_of(reader)
    Comment.objects.create(
        organization=sessions["graded"].organization, session=sessions["graded"], author=reader, at_ms=0, text="x"
    )
    sessions["own"] = add_session(reader)
    grade(sessions["own"])
    pages = {page for session in sessions.values() for page in pages_about(session)}
    links: dict[str, str] = {}
    for page in pages:
        answer = client.get(page)
        if answer.status_code == 200:
            found = re.findall(r'(?:href|src|hx-get)="(/[^"#]*)', answer.content.decode())
            # Filters and orders of a list lead to the same page.
            links |= {link: page for link in found if not link.startswith("/static/") and "?" not in link}

    refused = {
        (page, link): status for link, page in links.items() if (status := status_of(client, link)) in {401, 403, 404}
    }

    assert len(links) > 10
    assert refused == {}
