"""Fuzz tests of the API in each role: no server errors, and no data of other people or organizations.

Schemathesis generates the cases from the API's own schema. About 70% of the UUIDs in them are replaced by IDs of real
objects in the user's own organization or the other one.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import hypothesis
import pytest
import schemathesis
from asgiref.sync import async_to_sync
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st

from accounts.integrations.scopes import Scope
from accounts.integrations.service_tokens import issue_service_token
from accounts.models import Account, Cohort, User
from accounts.web.identifiers import is_uuid
from evaluation.models import Flag
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import CONTEXT_CANARY, PROMPT_CANARY, SECTIONS_CANARY, add_scenario, client_of, write_turns
from tests.support.prove_run import IS_PROVE_RUN
from training.services.assignments import assign
from training.services.session_start import start_assignment

ROLES = ["counselor", "colleague", "supervisor", "trainer", "evaluator", "admin", "stranger", "service", "nobody"]
CASES = 2000 if IS_PROVE_RUN else 60  # generated cases for each role
# `make test` runs one role of each kind; `make prove` runs all of them.
PUBLIC_PATH = "/api/schema/"
TESTED_ROLES = ROLES if IS_PROVE_RUN else ["counselor", "supervisor", "stranger", "service", "nobody"]

HARBOR_MARKER, RIDGE_MARKER, COLLEAGUE_MARKER = "quokkaharbor", "quokkaridge", "quokkacolleague"
ASSESSMENT_MARKERS = {PROMPT_CANARY, CONTEXT_CANARY, SECTIONS_CANARY}
# Words that must never appear in an answer to a role.
FORBIDDEN_WORDS = {
    "counselor": {RIDGE_MARKER, COLLEAGUE_MARKER} | ASSESSMENT_MARKERS,
    "colleague": {RIDGE_MARKER, HARBOR_MARKER + "owner"} | ASSESSMENT_MARKERS,
    "stranger": {HARBOR_MARKER, COLLEAGUE_MARKER},
    "nobody": {HARBOR_MARKER, RIDGE_MARKER, COLLEAGUE_MARKER} | ASSESSMENT_MARKERS,
}
OTHER_ORGANIZATION_WORDS = {RIDGE_MARKER}


@cache
def operations() -> list[Any]:
    described = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(described, default=str)))
    return [found.ok() for found in schema.get_all_operations()]


@st.composite
def cases(draw: Any) -> Any:
    return draw(draw(st.sampled_from(operations())).as_strategy())


@dataclass
class OrganizationIds:
    """IDs of an organization's objects by the counselor who owns them."""

    # By "counselor" or "colleague"; "" holds the objects that have no owner.
    ids: dict[str, list[UUID]] = field(default_factory=lambda: {"": [], "counselor": [], "colleague": []})

    @property
    def all(self) -> list[UUID]:
        return [pk for found in self.ids.values() for pk in found]


def fill_organization(center: Any, people: dict[str, User], word: str) -> OrganizationIds:
    """Create one object of each kind in an organization, with `word` in every text field, and return their IDs."""
    created = OrganizationIds()
    account = Account.objects.create(organization=center, name=f"Line {word}", number="717")
    created.ids[""] = [account.pk, Cohort.objects.create(organization=center, name=f"Class {word}").pk]
    by = people["supervisor"]
    for who, marked in (("counselor", word + "owner"), ("colleague", word + "other")):
        counselor = people[who]
        text = COLLEAGUE_MARKER if who == "colleague" and word == HARBOR_MARKER else marked
        scenario = add_scenario(
            center, f"Of {who} {word}", account=account, relevant_policy_sections=f"1010, {SECTIONS_CANARY}"
        )
        assignment = assign(scenario, counselor, by, notes=text)
        session, _ = start_assignment(assignment)
        write_turns(session, f"hello {text}", f"I am here {text}")
        graded = add_graded_session(counselor, 40, {"greeting": "met"}, focus=text)
        flag = Flag.objects.create(
            organization=center, session=graded, kind="technical", severity="info", note=f"{word} {text}"
        )
        created.ids[""].append(scenario.pk)  # of the library, which everybody in the organization may practice
        found = [assignment.pk, session.pk, graded.pk, graded.evaluations.get().pk, flag.public_id]
        created.ids[who] = [counselor.pk, *found]
    return created


@pytest.fixture
def centers(
    organization, other_organization, counselor, colleague, supervisor, stranger
) -> tuple[OrganizationIds, OrganizationIds]:
    people = {"counselor": counselor, "colleague": colleague, "supervisor": supervisor}
    theirs = {
        who: User.objects.create_user(f"{who}@example.net", organization=other_organization, role="counselor")
        for who in ("counselor", "colleague")
    }
    ours = fill_organization(organization, people, HARBOR_MARKER)
    return ours, fill_organization(other_organization, theirs | {"supervisor": stranger}, RIDGE_MARKER)


@pytest.fixture
def ids(centers) -> list[UUID]:
    return [*centers[0].all, *centers[1].all]


@pytest.fixture
def hidden_ids(role, centers) -> list[bytes]:
    """Return the IDs that must not appear in an answer to `role` unless its request contained them."""
    ours, others = centers
    hidden = others.all
    if role in {"counselor", "colleague"}:
        hidden = hidden + ours.ids["colleague" if role == "counselor" else "counselor"]
    if role in {"stranger", "nobody"}:
        hidden = ours.all + (others.all if role == "nobody" else [])
    return [str(pk).encode() for pk in hidden]


def find_leaks(role: str, hidden_ids: list[bytes], sent: str, content: bytes) -> set[str]:
    words = {word for word in FORBIDDEN_WORDS.get(role, OTHER_ORGANIZATION_WORDS) if word.encode() in content}
    return words | {pk.decode() for pk in hidden_ids if pk in content and pk.decode() not in sent}


@pytest.fixture
def sender(request, role, admin) -> Client:
    if role == "nobody":
        return Client()
    if role == "service":
        _, secret = issue_service_token(admin, "Learning system", Scope.values)
        return Client(headers={"Authorization": f"Bearer {secret}"})
    return client_of(request.getfixturevalue(role))


def send_case(client: Client, case: Any, ids: list[UUID], chance: Random) -> tuple[Any, str]:
    """Send a generated case with about 70% of its UUIDs replaced by real IDs, and roll back its effects.

    Return the response and the text of the request.
    """

    def real(value: Any) -> Any:
        return str(chance.choice(ids)) if is_uuid(str(value)) and chance.random() < 0.7 else value

    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", str(real(value)))
    query = {name: real(value) for name, value in (case.query or {}).items()}
    body = "" if not _is_json(case) else json.dumps(_with_real_ids(case.body, real))
    with transaction.atomic():
        response = client.generic(case.method, path, body, "application/json", query_params=query)
        transaction.set_rollback(True)
    return response, f"{path} {query} {body}"


def _is_json(case: Any) -> bool:
    return isinstance(case.body, dict | list | str | int | float | bool | None)


def _with_real_ids(body: Any, real: Any) -> Any:
    if isinstance(body, dict):
        return {name: _with_real_ids(value, real) for name, value in body.items()}
    return [_with_real_ids(value, real) for value in body] if isinstance(body, list) else real(body)


def content_of(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)
    if not response.is_async:
        return b"".join(response.streaming_content)

    async def collect() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(collect)()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # raised inside schemathesis
@pytest.mark.parametrize("role", TESTED_ROLES)
def test_generated_requests_cause_no_server_error_and_no_leak(role, sender, ids, hidden_ids, standin, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024**2
    chance, statuses = Random(7), Counter()

    @hypothesis.settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.seed(1)  # without a seed, the cases depend on the source of `explore`, and a rename changes them
    @hypothesis.given(cases())
    def explore(case: Any) -> None:
        response, sent = send_case(sender, case, ids, chance)
        where = f"{case.method} {case.operation.path} as {role}"
        statuses[response.status_code if case.operation.path != PUBLIC_PATH else "public"] += 1
        content = content_of(response)
        assert response.status_code < 500, f"{where}: {content[:300]!r}"
        assert find_leaks(role, hidden_ids, sent, content) == set(), where

    explore()

    assert sum(statuses.values()) >= CASES * 0.9
    assert (statuses[200] > 0) is (role != "nobody")


@pytest.mark.parametrize("role", ROLES if IS_PROVE_RUN else ["counselor", "stranger"])
def test_get_requests_leak_no_data(role, sender, ids, hidden_ids):
    """Request every GET path with every existing ID."""
    wrong, answered = {}, Counter()
    for operation in operations():
        if operation.method != "get":
            continue
        places = operation.path.count("{")
        for pk in ids if places else ids[:1]:
            path = re.sub(r"\{\w+\}", str(pk), operation.path)
            response = sender.get(path)
            content = content_of(response)
            answered[response.status_code] += 1
            if leaks := find_leaks(role, hidden_ids, path, content):
                wrong[path] = leaks

    assert wrong == {}
    assert set(answered) <= {200, 400, 403, 404}
    assert (answered[200] > 5) is (role != "nobody")
