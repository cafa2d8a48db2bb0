import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import JsonResponse
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone
from rest_framework.views import APIView

from accounts.integrations.idempotency import delete_expired_calls, idempotent
from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.models import Cohort, IdempotentCall, ServiceToken, User, Webhook
from accounts.web.waiting import respond_when_done
from tests.support.fixtures import client_of, run_concurrently
from tests.support.urls import site_routes

pytestmark = pytest.mark.both_databases

COHORTS = "/api/cohorts/"


def create(client, name: str, key: str = "one"):
    return client.post(COHORTS, {"name": name}, content_type="application/json", headers={"Idempotency-Key": key})


def test_repeated_request_replays_response(supervisor):
    client = client_of(supervisor)

    first, second = create(client, "Spring class"), create(client, "Spring class")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (first.headers.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
    assert Cohort.objects.count() == 1


def test_repeated_request_replays_error(supervisor):
    client = client_of(supervisor)

    first, second = create(client, ""), create(client, "")

    assert (first.status_code, second.status_code, second["Idempotent-Replayed"]) == (400, 400, "true")


def test_reused_key_for_different_request_is_rejected(supervisor):
    client = client_of(supervisor)
    create(client, "Spring class")

    other = create(client, "Autumn class")

    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert Cohort.objects.count() == 1


def test_keys_are_separate_for_each_user(supervisor, stranger):
    create(client_of(supervisor), "Spring class")

    assert create(client_of(stranger), "Spring class").status_code == 201
    assert Cohort.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "new\tline"])
def test_invalid_key_is_rejected(supervisor, key):
    assert create(client_of(supervisor), "Spring class", key).json()["code"] == "idempotency_key"


def test_request_without_key_is_not_stored(supervisor):
    client_of(supervisor).post(COHORTS, {"name": "x"}, content_type="application/json")

    assert IdempotentCall.objects.count() == 0


def test_abandoned_request_runs_again(supervisor):
    client = client_of(supervisor)
    create(client, "Spring class")
    Cohort.objects.all().delete()
    IdempotentCall.objects.update(status=None)

    in_progress = create(client, "Spring class")
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    completed = create(client, "Spring class")

    assert (in_progress.status_code, in_progress.json()["code"]) == (409, "idempotency_in_progress")
    assert (completed.status_code, Cohort.objects.count()) == (201, 1)


def test_keys_expire_after_one_day(supervisor):
    create(client_of(supervisor), "Spring class")
    assert delete_expired_calls() == 0

    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))

    assert delete_expired_calls() == 1


def test_upload_beyond_djangos_limit_for_forms_is_read(counselor, finished_chat):
    client, path = client_of(counselor), f"/api/sessions/{finished_chat.pk}/documentation/"
    document = SimpleUploadedFile("notes.txt", b"The caller asked for help. " * 120_000)
    content = encode_multipart(BOUNDARY, {"document": document, "preview": "true"})

    answers = [
        client.generic("POST", path, content, MULTIPART_CONTENT, headers={"Idempotency-Key": "one"}) for _ in range(2)
    ]

    # The form is read, and refused because the conversation has not been graded yet.
    assert [(answer.status_code, list(answer.json()["fields"])) for answer in answers] == [(400, ["document"])] * 2
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true"]


def test_row_that_a_failed_request_deletes_meanwhile_is_claimed(supervisor, monkeypatch):
    client = client_of(supervisor)
    create(client, "Spring class")
    failed, find = IdempotentCall.objects.get(), IdempotentCall.objects.filter

    def find_after_deletion(**fields):
        if failed.pk and "caller" in fields:
            failed.delete()
        return find(**fields)

    monkeypatch.setattr(IdempotentCall.objects, "filter", find_after_deletion)

    assert create(client, "Autumn class").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_create_one_row(supervisor):
    clients = [client_of(supervisor) for _ in range(8)]
    for client in clients[1:]:
        client.cookies = clients[0].cookies
    lock = threading.Lock()
    statuses: list[int] = []

    def send(client) -> None:
        status = create(client, "Spring class").status_code
        with lock:
            statuses.append(status)

    run_concurrently(*[lambda client=client: send(client) for client in clients])

    assert Cohort.objects.count() == 1
    assert 201 in statuses and set(statuses) <= {201, 409}
    assert len(statuses) == 8


class WaitingView(APIView):
    def post(self, request):
        return respond_when_done(lambda: False, lambda is_done: JsonResponse({"is_done": is_done}), 10)


def test_replay_returns_the_response_that_the_client_waited_for(supervisor):
    view = idempotent(WaitingView.as_view())

    def post():
        request = RequestFactory().post("/api/", headers={"Idempotency-Key": "one"})
        # A session in place of the cookie that the middleware would read, and Django's own way past the CSRF check.
        request.user, request._dont_enforce_csrf_checks = supervisor, True
        return request

    first = view(post())
    replayed_during_the_wait = view(post())
    first.awaited.finish(first)
    replayed_later = view(post())

    assert first.content == replayed_during_the_wait.content == b'{"is_done": false}'
    assert replayed_later.content == b'{"is_done": true}'


WEBHOOK = {"url": "https://learning.example.org/hook", "events": ["evaluation.ready"]}


def post_as(secret: str, path: str, body: dict[str, object], key: str = "one"):
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
    return Client().post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("change", ["revoked", "expired", "deactivated", "issuer", "scopes"])
def test_replay_needs_a_valid_token(admin, change):
    token, secret = issue_service_token(admin, "LMS", ["people:write"])
    first = post_as(secret, COHORTS, {"name": "Spring class"})
    if change == "revoked":
        revoke_service_token(token)
    elif change == "expired":
        ServiceToken.objects.update(expires_at=timezone.now())
    elif change == "deactivated":
        User.objects.filter(pk=token.acts_as_id).update(is_active=False)
    elif change == "issuer":
        User.objects.filter(pk=admin.pk).update(is_active=False)
    else:
        ServiceToken.objects.update(scopes=["people:read"])

    second = post_as(secret, COHORTS, {"name": "Spring class"})

    assert (first.status_code, second.status_code) == (201, 403 if change == "scopes" else 401)
    assert "Idempotent-Replayed" not in second.headers
    assert "Spring class" not in second.content.decode()


@pytest.mark.parametrize("change", ["logged out", "deactivated", "demoted"])
def test_replay_needs_a_valid_session(supervisor, change):
    client = client_of(supervisor)
    create(client, "Spring class")
    cookies = client.cookies.copy()
    if change == "logged out":
        client.post("/account/logout/")
    else:
        fields = {"is_active": False} if change == "deactivated" else {"role": "counselor"}
        User.objects.filter(pk=supervisor.pk).update(**fields)
    client.cookies = cookies

    second = create(client, "Spring class")

    assert second.status_code == (403 if change == "demoted" else 401)
    assert "Spring class" not in second.content.decode()


def test_same_person_replays_from_another_session(supervisor):
    create(client_of(supervisor), "Spring class")

    assert create(client_of(supervisor), "Spring class")["Idempotent-Replayed"] == "true"
    assert Cohort.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/api/webhooks/", WEBHOOK, Webhook),
        ("/api/tokens/", {"name": "LMS", "scopes": ["sessions:read"]}, ServiceToken),
    ],
)
def test_secret_is_neither_kept_nor_replayed(admin, path, body, model):
    client, headers = client_of(admin), {"Idempotency-Key": "one"}
    first, second = (client.post(path, body, content_type="application/json", headers=headers) for _ in range(2))

    secret = first.json()["secret"]
    assert (first.status_code, second.status_code, second.json()["code"]) == (201, 409, "secret_not_kept")
    assert (second.json()["id"], second["Idempotent-Replayed"]) == (first.json()["id"], "true")
    assert "shown only once" in second.json()["detail"]
    assert secret not in second.content.decode() + IdempotentCall.objects.get().body
    assert model.objects.count() == 1


def test_every_idempotent_route_identifies_its_caller_first():
    """Fail if a wrapped view has no API class, whose authentication and permissions are asked before the key."""
    wrapped = [route for route in site_routes() if getattr(route.view, "is_idempotent", False)]

    assert len(wrapped) > 10
    assert [route.path for route in wrapped if not hasattr(route.view, "cls")] == []
