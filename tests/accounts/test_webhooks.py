import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.utils import timezone

from accounts.integrations import deliveries
from accounts.integrations.deliveries import RETRY_DELAYS, attempt_delivery, delete_old_deliveries
from accounts.integrations.webhook_sender import WebhookMessage, sign_message
from accounts.integrations.webhooks import add_webhook
from accounts.models import Delivery, User, Webhook
from accounts.tasks import sweep_deliveries
from evaluation.services.grading import grade_evaluation
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of
from training.models import EndReason
from training.services.sessions import end_session

pytestmark = pytest.mark.both_databases


class WebhookReceiver:
    """HTTP server that records the requests it receives and answers them with `statuses` in turn.

    The last status is repeated.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses = [204]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?of=us"


@pytest.fixture
def receiver(settings) -> Iterator[WebhookReceiver]:
    settings.WEBHOOKS_TO_PRIVATE = True
    receiver = WebhookReceiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join(60)
    receiver.server.server_close()


@pytest.fixture
def hook(admin, receiver) -> Webhook:
    return add_webhook(admin, receiver.url, ["session.completed", "evaluation.ready", "assignment.completed"])


def deliver_all() -> list[bool]:
    return [attempt_delivery(pk) for pk in Delivery.objects.order_by("created_at").values_list("pk", flat=True)]


def test_event_is_delivered_once_and_signed(hook, receiver, counselor, chat, chat_assignment, standin):
    counselor.external_id = "lms-7"
    counselor.save()
    end_session(chat, EndReason.HUNG_UP)
    chat_assignment.refresh_from_db()

    assert deliver_all() == [True]
    assert deliver_all() == [False]

    ((headers, body),) = receiver.requests
    event = json.loads(body)
    assert event["type"] == "session.completed"
    assert event["data"] == {
        "session_id": str(chat.pk),
        "counselor_id": str(counselor.pk),
        "external_id": "lms-7",
        "scenario_id": str(chat.scenario_id),
        "assignment_id": str(chat_assignment.pk),
        "attempt": 1,
        "kind": "assignment",
        "mode": "chat",
        "status": "completed",
        "end_reason": "hung_up",
        "ended_at": chat.ended_at.isoformat(),
    }
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (headers["webhook-signature"], headers["webhook-id"]) == (f"v1,{mac}", event["id"])


def test_graded_assignment_sends_three_events(hook, receiver, queued_evaluation, standin):
    grade_evaluation(queued_evaluation.pk)

    deliver_all()

    events = [json.loads(body) for _, body in receiver.requests]
    assert [event["type"] for event in events] == ["session.completed", "assignment.completed", "evaluation.ready"]
    queued_evaluation.refresh_from_db()
    assert (events[2]["data"]["score"], events[2]["data"]["grade"]) == (
        queued_evaluation.score,
        queued_evaluation.grade,
    )
    assert (events[1]["data"]["score"], events[1]["data"]["passed"]) == (queued_evaluation.score, True)


def test_webhook_receives_only_subscribed_events_of_own_organization(
    admin, stranger, other_organization, counselor, receiver
):
    other = User.objects.create_user("a@example.net", organization=other_organization, role="admin")
    add_webhook(other, receiver.url, ["evaluation.ready"])
    add_webhook(admin, receiver.url, ["assignment.completed"])

    add_graded_session(counselor, 80)

    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("status", [500, 404, 302])
def test_failed_delivery_is_retried_later(hook, receiver, chat, status):
    receiver.statuses = [status, 200]
    end_session(chat, EndReason.HUNG_UP)
    row = Delivery.objects.get()

    assert attempt_delivery(row.pk) is False
    row.refresh_from_db()
    assert (row.attempts, row.status, row.failure, row.delivered_at) == (1, status, f"HTTP status {status}", None)
    assert timedelta(seconds=5) < row.available_at - timezone.now() <= timedelta(seconds=RETRY_DELAYS[0])
    assert attempt_delivery(row.pk) is False  # too early
    Delivery.objects.update(available_at=timezone.now())
    assert attempt_delivery(row.pk) is True
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == [str(row.pk)] * 2


def test_delivery_is_given_up_after_last_attempt(hook, receiver, chat):
    receiver.statuses = [500]
    end_session(chat, EndReason.HUNG_UP)
    row = Delivery.objects.get()

    for _ in range(len(RETRY_DELAYS) + 1):
        Delivery.objects.update(available_at=timezone.now())
        attempt_delivery(row.pk)

    row.refresh_from_db()
    assert (row.attempts, row.available_at, row.delivered_at) == (len(RETRY_DELAYS) + 1, None, None)
    assert sweep_deliveries() == 0


def test_delivery_in_progress_is_not_sent_again(hook, chat, monkeypatch):
    end_session(chat, EndReason.HUNG_UP)
    row = Delivery.objects.get()
    attempts = []

    def answer_slowly(*args, **options) -> int:
        attempts.append(attempt_delivery(row.pk) if not attempts else None)
        return 204

    monkeypatch.setattr(deliveries, "send_message", answer_slowly)

    assert attempt_delivery(row.pk) is True
    assert attempts == [False]


def test_refused_connection_is_recorded_as_failure(hook, receiver, chat):
    Webhook.objects.update(url="http://127.0.0.1:9/")
    end_session(chat, EndReason.HUNG_UP)

    assert deliver_all() == [False]

    assert Delivery.objects.get().failure.startswith("No public address responded in time.")


def test_signature_matches_standard_webhooks_example():
    """Compare with the example in the Standard Webhooks specification."""
    message = WebhookMessage("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    signature = sign_message("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("url", "events", "field"),
    [
        ("http://example.org/", ["evaluation.ready"], "url"),
        ("ftp://example.org/", ["evaluation.ready"], "url"),
        ("nothing", ["evaluation.ready"], "url"),
        ("https://example.org/", ["birthday"], "events"),
        ("https://example.org/", [], "events"),
    ],
)
def test_invalid_webhook_is_rejected_by_api_and_admin(admin, url, events, field):
    client = client_of(admin)

    api = client.post("/api/webhooks/", {"url": url, "events": events}, content_type="application/json")
    page = client.post("/admin/accounts/webhook/add/", {"url": url, "events": events})

    assert (api.status_code, [path.split(".")[0] for path in api.json()["fields"]]) == (400, [field])
    assert (page.status_code, Webhook.objects.count()) == (200, 0)


def test_deliveries_are_listed_in_api(admin, hook, receiver, chat):
    end_session(chat, EndReason.HUNG_UP)
    deliver_all()

    rows = client_of(admin).get(f"/api/webhooks/{hook.pk}/deliveries/").json()["results"]

    assert [(row["event"], row["attempts"], row["status"]) for row in rows] == [("session.completed", 1, 204)]


def test_settled_deliveries_are_deleted_after_retention(hook, receiver, chat):
    end_session(chat, EndReason.HUNG_UP)
    deliver_all()
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=89))
    assert delete_old_deliveries() == 0

    Delivery.objects.update(created_at=timezone.now() - timedelta(days=91))

    assert delete_old_deliveries() == 1


def test_pending_deliveries_are_kept(hook, receiver, chat):
    end_session(chat, EndReason.HUNG_UP)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=91))

    assert delete_old_deliveries() == 0
