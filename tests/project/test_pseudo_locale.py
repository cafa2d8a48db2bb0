"""Search for untranslated text that users see, by rendering everything in a locale that marks each message."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.core import mail
from django.db import IntegrityError, models, transaction
from django.test import Client, RequestFactory
from django.urls import resolve

from accounts.services.invitation_emails import send_waiting_invitations
from evaluation.models import Evaluation, Flag
from evaluation.models.flag_kinds import FlagSeverity
from evaluation.services.alerts import send_alerts, send_report_alert
from evaluation.services.grading import grade_evaluation
from evaluation.services.notifications import send_feedback_ready_emails
from scenarios.models import Scenario
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.project.test_permission_matrix import (
    ADMIN_ACTIONS,
    EXPECTED_ANSWERS,
    OFFERED_IN_ADMIN,
    REQUEST_BODIES,
    objects,  # noqa: F401
    request_without_effects,
    without_waiting_for_greetings,  # noqa: F401
)
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from tests.support.pseudo_locale import (
    find_plain_texts,
    find_plain_values,
    plain_words,
    pseudo_locale,
    widen,
    widen_rows,
)
from training.services.notifications import send_due_notifications

OUR_APPS = ("accounts", "scenarios", "training", "recordings", "evaluation")

# Views whose text comes from a library, is read by programs, or is a whole English file (a guide).
NOT_FOR_PEOPLE = {"site:guide", "schema", "docs", "api:schema", "api:docs", "site:robots"}

# Columns whose choices are written into all rows, one choice at a time, with the person and pages that show them.
STATES = [
    ("training.Session.status", "counselor", ["/sessions/{over}/"]),
    ("training.Session.end_reason", "counselor", ["/sessions/{over}/"]),
    ("training.Session.greeting_status", "counselor", ["/training/chat/{chat_assignment}/"]),
    ("training.Assignment.status", "counselor", ["/"]),
    ("training.Assignment.status", "supervisor", ["/assignments/{chat_assignment}/", "/assignments/"]),
    ("evaluation.Evaluation.status", "counselor", ["/sessions/{documented}/feedback/"]),
    ("evaluation.Evaluation.status", "supervisor", ["/sessions/{documented}/feedback/", "/feedback/"]),
    ("evaluation.Scan.status", "supervisor", ["/sessions/{documented}/"]),
    ("evaluation.CriterionResult.verdict", "counselor", ["/sessions/{documented}/checks/"]),
    ("evaluation.Flag.kind", "supervisor", ["/flags/"]),
    ("evaluation.Flag.handling", "supervisor", ["/flags/"]),
    ("evaluation.DocumentationReview.status", "counselor", ["/sessions/{documented}/documentation/"]),
    ("recordings.Recording.state", "counselor", ["/sessions/{over}/recording/"]),
    ("accounts.ProcedureDocument.status", "supervisor", ["/accounts/", "/accounts/{account}/"]),
    (
        "scenarios.ScenarioDraft.status",
        "supervisor",
        ["/scenarios/drafts/{draft}/", "/admin/scenarios/scenariodraft/{draft}/change/"],
    ),
    (
        "scenarios.ImportJob.status",
        "supervisor",
        ["/scenarios/import/{import}/", "/admin/scenarios/importjob/{import}/change/"],
    ),
]


@pytest.fixture
def object_ids(objects, queued_evaluation, standin):  # noqa: F811
    """Yield the IDs of the matrix's objects and of a graded session. Free text in rows is in full-width letters."""
    grade_evaluation(queued_evaluation.pk)
    Evaluation.objects.filter(score=None).update(score=50, grade="D")  # for a test that sets the status to completed
    widen_rows(*OUR_APPS)
    for scenario in Scenario.objects.all():  # the text is in a file
        write_evaluator_context(scenario, widen(scenario.evaluator_context))
    with pseudo_locale():
        yield {key: str(value) for key, value in (objects | {"documented": queued_evaluation.session_id}).items()}


def paths_of_pages(*methods: str) -> list[tuple[str, str]]:
    rows = [line.split()[:2] for line in EXPECTED_ANSWERS.splitlines() if line]
    return [(method, path) for method, path in rows if method in methods and not path.startswith("/api/")]


def paths_of_admin_site() -> list[tuple[str, str]]:
    return [
        ("GET", path.format(*model.split("."), f"{{{model}}}"))
        for model, rights in OFFERED_IN_ADMIN.items()
        if rights
        for _, path, _ in ADMIN_ACTIONS.values()
    ]


def fill(path: str, object_ids: dict[str, str]) -> str:
    return re.sub(r"\{([\w.]+)\}", lambda found: object_ids[found[1]], path)


def plain_texts_of(client: Client, method: str, path: str, body: object = None) -> set[str]:
    return plain_texts_in(request_without_effects(client, method, path, body))


def plain_texts_in(response: Any) -> set[str]:
    """Return the plain texts of a page, of an error, or of the messages that a redirect leaves for the next page."""
    if response.status_code == 302:
        # Read only new messages. Older ones would be in the session, which has been rolled back by now.
        new = response.wsgi_request._messages._queued_messages
        return {str(message) for message in new if plain_words(str(message))}
    kind = response.get("Content-Type", "")
    if "html" in kind:
        return find_plain_texts(response.text) | find_colon_labels(response.text)
    if kind.startswith("text/plain") and not response.streaming:
        return {line for line in response.text.splitlines() if plain_words(line)}
    return find_plain_values(json.loads(response.content)) if "json" in kind and response.status_code >= 400 else set()


def find_colon_labels(html: str) -> set[str]:
    """Return the labels that end in a colon, which Django adds without `PlainLabelsRenderer`."""
    return set(re.findall(r"<label[^>]*>[^<]*:[⟧\s]*</label>", html))


def by_view(found: Iterable[tuple[str, set[str]]]) -> dict[str, set[str]]:
    views: dict[str, set[str]] = {}
    for path, texts in found:
        name = resolve(path).view_name
        if texts and name not in NOT_FOR_PEOPLE:
            views.setdefault(name, set()).update(texts)
    return views


def sorted_texts(found: dict[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(texts) for name, texts in found.items() if texts}


def test_pages_show_only_translated_text(object_ids, counselor, supervisor, admin):
    def visit() -> Iterator[tuple[str, set[str]]]:
        pages = paths_of_pages("GET", "POST")
        administration = [page for page in pages if page[1].startswith("/admin/")]
        others = [page for page in pages if page not in administration]
        for person, requests in (
            (None, [page for page in others if page[1].startswith("/account/")]),
            (counselor, others),
            (supervisor, others),
            (admin, [*administration, *paths_of_admin_site()]),
        ):
            client = client_of(person) if person else Client()
            for method, path in requests:
                address = fill(path, object_ids)
                yield address, plain_texts_of(client, method, address)

    assert sorted_texts(by_view(visit())) == {}


def test_admin_actions_answer_in_translated_text(object_ids, admin):
    client, request = client_of(admin), RequestFactory().get("/")
    request.user = admin
    found: dict[str, set[str]] = {}
    for model in (model for label in OUR_APPS for model in apps.get_app_config(label).get_models()):
        if not site.is_registered(model):
            continue
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        rows = [str(row.pk) for row in site.get_model_admin(model).get_queryset(request)]
        for action in site.get_model_admin(model).get_actions(request):
            if action.startswith("export"):  # a file, not a page
                continue
            for confirmed in ("", "yes"):  # the question, and the answer
                data = {"action": action, "_selected_action": rows, "confirmed": confirmed}
                with transaction.atomic():
                    response = client.post(path, data)
                    transaction.set_rollback(True)
                found[f"{path} {action} {confirmed}"] = plain_texts_in(response)

    assert len(found) > 15
    assert sorted_texts(found) == {}


def test_pages_show_only_translated_text_in_every_state(object_ids, counselor, supervisor):
    def visit() -> Iterator[tuple[str, set[str]]]:
        clients = {"counselor": client_of(counselor), "supervisor": client_of(supervisor)}
        for column, who, paths in STATES:
            app_label, model_name, name = column.split(".")
            model = apps.get_model(app_label, model_name)
            for value, _ in model._meta.get_field(name).choices:
                with transaction.atomic():
                    update_where_possible(model, name, value)
                    for path in paths:
                        address = fill(path, object_ids)
                        yield address, plain_texts_of(clients[who], "GET", address)
                    transaction.set_rollback(True)

    assert sorted_texts(by_view(visit())) == {}


def update_where_possible(model: type[models.Model], name: str, value: str) -> None:
    for row in model._base_manager.all():
        try:
            with transaction.atomic():
                model._base_manager.filter(pk=row.pk).update(**{name: value})
        except IntegrityError:  # a constraint forbids this state for this row
            continue


def test_api_reports_errors_in_translated_text(object_ids, counselor, admin):
    def visit() -> Iterator[tuple[str, set[str]]]:
        rows = [line.split()[:2] for line in EXPECTED_ANSWERS.splitlines() if " /api/" in line]
        for person, body in ((counselor, {"unknown": []}), (admin, {"unknown": []}), (admin, None)):
            client = client_of(person)
            for method, path in rows:
                if method in ("POST", "PATCH", "DELETE"):
                    address = fill(path, object_ids)
                    yield address, plain_texts_of(client, method, address, body and REQUEST_BODIES.get(path, body))

    assert sorted_texts(by_view(visit())) == {}


BAD_REQUESTS = [
    ("POST", "/api/sessions/", {"type": "assignment"}),
    ("POST", "/api/sessions/", {"type": "nothing", "mode": "fax"}),
    ("POST", "/api/sessions/{chat}/messages/", {"content": ""}),
    ("POST", "/api/sessions/{chat}/messages/", {"content": "x" * 10_001}),
    ("POST", "/api/sessions/{over}/feeling/", {"feeling": 9}),
    ("POST", "/api/sessions/{over}/report/", {"kind": "nothing"}),
    ("POST", "/api/sessions/{over}/comments/", {"text": "", "at_ms": -1}),
    ("PATCH", "/api/sessions/{over}/", {"name": "x" * 500}),
    ("PATCH", "/api/flags/{flag}/", {"handling": "nothing"}),
    ("PATCH", "/api/me/", {"mail_due_soon": "perhaps"}),
    ("POST", "/api/cohorts/", {"name": "", "counselors": [0]}),
    ("POST", "/api/tokens/", {"name": "", "scopes": ["nothing"]}),
    ("POST", "/api/webhooks/", {"url": "http://learning.example.org", "events": []}),
    ("POST", "/api/webhooks/", {"url": "https://127.0.0.1/", "events": ["nothing"]}),
    ("PATCH", "/api/accounts/{account}/", {"recording_retention_days": 0}),
    ("POST", "/api/assignments/", {"scenario": "nothing", "counselor": 0}),
    ("POST", "/api/assignments/bulk/", {"scenarios": [], "counselors": []}),
    ("PATCH", "/api/assignments/{chat_assignment}/", {"due_date": "never", "pass_mark": 900}),
    ("POST", "/api/scenarios/", {"title": "", "prompt": ""}),
    ("POST", "/api/scenarios/", {"title": "x" * 500, "prompt": "y", "mode": "fax", "checks": [{}]}),
    ("POST", "/api/scenarios/{scenario}/promote/", {}),
    ("POST", "/api/scenarios/import/", [{"title": ""}]),
    ("POST", "/api/scenarios/import/", {"not": "a list"}),
    ("POST", "/api/scenarios/drafts/", {"source": ""}),
    ("POST", "/api/scenarios/drafts/{draft}/save/", {"title": ""}),
    ("POST", "/api/assignments/one-time/", {"scenario": {}, "counselors": []}),
    ("GET", "/api/sessions/?page=nothing&status=nothing", None),
    ("GET", "/api/assignments/?status=nothing", None),
    ("GET", "/api/team/?weeks=nothing", None),
    ("GET", "/api/evaluations/?state=nothing", None),
]


def test_api_refuses_bad_requests_in_translated_text(object_ids, counselor, admin):
    found = [
        (fill(path.partition("?")[0], object_ids), plain_texts_of(client, method, fill(path, object_ids), body))
        for client in (client_of(counselor), client_of(admin))
        for method, path, body in BAD_REQUESTS
    ]

    assert sorted_texts(by_view(found)) == {}


def test_emails_contain_only_translated_text(object_ids, supervisor):
    evaluation = Evaluation.objects.filter(status=Evaluation.Status.COMPLETED, session__end_reason="hung_up").get()
    Flag.objects.create(
        session=evaluation.session, organization_id=evaluation.organization_id, evaluation=evaluation,
        kind="counselor_distress", severity=FlagSeverity.CRITICAL,
    )  # fmt: skip
    Flag.objects.update(severity=FlagSeverity.CRITICAL)
    Evaluation.objects.update(announced_at=None, alerted_at=None)

    send_due_notifications()
    send_feedback_ready_emails()
    send_alerts(evaluation.pk)
    send_report_alert(Flag.objects.earliest("pk").pk)
    send_waiting_invitations(timedelta(0))

    found = {
        str(message.subject): {text for text in (str(message.subject), str(message.body)) if plain_words(text)}
        for message in mail.outbox
    }
    assert len(mail.outbox) >= 6
    assert sorted_texts(found) == {}


def test_find_plain_texts_finds_untranslated_text_of_a_page():
    page = """<title>Ａ · Steadyline</title><p>⟦Saved <b>12 rows</b> as⟧ 5 MB</p> <input type="submit" value="Send">
    <p>⟦A long text that was cut…</p><p title="⟦Here⟧">Plain, by dana@example.org</p> <a aria-label="Open it"></a>"""

    assert find_plain_texts(page) == {"Send", "Plain, by dana@example.org", "Open it"}


def test_find_plain_values_finds_untranslated_text_of_an_error():
    answer = {"detail": "name: ⟦Too long.⟧", "code": "too_long", "fields": {"name": ["⟦Too long.⟧", "By far."]}}

    assert find_plain_values(answer) == {"By far."}


def model_texts(model: type[models.Model]) -> Iterator[tuple[str, object]]:
    """Yield a model's choice labels and error messages. Other tests cover the names and help texts that pages show."""
    for field in model._meta.concrete_fields:
        yield from ((f"{field.name}.{value}", label) for value, label in field.flatchoices)
    for constraint in model._meta.constraints:
        if constraint.violation_error_message != constraint.default_violation_error_message:
            yield constraint.name, constraint.violation_error_message


@pytest.mark.parametrize("app_label", OUR_APPS)
def test_models_label_choices_in_translated_text(app_label):
    with pseudo_locale():
        found = {
            model._meta.label: {f"{name}: {text}" for name, text in model_texts(model) if plain_words(str(text))}
            for model in apps.get_app_config(app_label).get_models()
        }

    assert sorted_texts(found) == {}
