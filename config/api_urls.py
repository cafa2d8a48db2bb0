"""The API, part by part."""

from typing import Any

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts import people_api
from accounts.api import AccountViewSet
from accounts.idempotency import idempotent
from accounts.integration_api import ServiceTokenViewSet, WebhookViewSet
from accounts.people_api import CohortViewSet, PeopleViewSet
from evaluation import api as evaluation_api
from evaluation import review_api, session_api, team_api
from evaluation.review_api import DisputeViewSet, EvaluationViewSet, FlagViewSet
from recordings import api as recording_api
from scenarios.api import ImportViewSet, ScenarioViewSet
from training import api as training_api
from training.assignment_api import AssignmentViewSet
from training.draft_api import AssignableDraftViewSet as DraftViewSet
from training.sessions_api import SessionsView

# A row by itself.
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("sessions/", idempotent(SessionsView.as_view()), name="api-sessions"),
    path("sessions/<uuid:pk>/", training_api.session_detail, name="api-session"),
    path("sessions/<uuid:pk>/messages/", idempotent(training_api.MessagesView.as_view()), name="api-messages"),
    path("sessions/<uuid:pk>/end/", training_api.session_end, name="api-end"),
    path("sessions/<uuid:pk>/stop/", training_api.session_stop, name="api-stop"),
    path("sessions/<uuid:pk>/feeling/", training_api.session_feeling, name="api-feeling"),
    path("sessions/<uuid:pk>/report/", idempotent(review_api.session_report), name="api-report"),
    path("sessions/<uuid:pk>/ticket/", training_api.session_ticket, name="api-ticket"),
    path(
        "assignments/",
        idempotent(AssignmentViewSet.as_view({"get": "list", "post": "create"})),
        name="api-assignments",
    ),
    path("assignments/bulk/", idempotent(AssignmentViewSet.as_view({"post": "bulk"})), name="api-assign-bulk"),
    path(
        "assignments/<uuid:pk>/",
        AssignmentViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-assignment",
    ),
    path("assignments/<uuid:pk>/reset/", AssignmentViewSet.as_view({"post": "reset"}), name="api-reset"),
    path("assignments/<uuid:pk>/cancel/", AssignmentViewSet.as_view({"post": "cancel"}), name="api-cancel"),
    path("assignments/<uuid:pk>/decline/", AssignmentViewSet.as_view({"post": "decline"}), name="api-decline"),
    path("assignments/one-time/", idempotent(training_api.one_time), name="api-one-time"),
    path("accounts/", AccountViewSet.as_view({"get": "list"}), name="api-accounts"),
    path(
        "accounts/<uuid:pk>/",
        AccountViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-account",
    ),
    path("accounts/<uuid:pk>/sections/", AccountViewSet.as_view({"get": "sections"}), name="api-sections"),
    path("accounts/<uuid:pk>/sections/suggest/", AccountViewSet.as_view({"post": "suggest"}), name="api-suggest"),
    path(
        "accounts/<uuid:pk>/procedures/<uuid:document>/retry/",
        AccountViewSet.as_view({"post": "retry"}),
        name="api-procedures-retry",
    ),
    path("scenarios/", idempotent(ScenarioViewSet.as_view({"get": "list", "post": "create"})), name="api-scenarios"),
    path("scenarios/lint/", ScenarioViewSet.as_view({"post": "lint"}), name="api-lint"),
    path("scenarios/export/", ScenarioViewSet.as_view({"get": "export"}), name="api-export"),
    path("scenarios/import/", ImportViewSet.as_view({"post": "create"}), name="api-import-begin"),
    path("scenarios/imports/", ImportViewSet.as_view({"get": "list"}), name="api-imports"),
    path("scenarios/imports/<uuid:pk>/", ImportViewSet.as_view({"get": "retrieve"}), name="api-import"),
    path("scenarios/drafts/", idempotent(DraftViewSet.as_view({"get": "list", "post": "create"})), name="api-drafts"),
    path(
        "scenarios/drafts/<uuid:pk>/",
        DraftViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="api-draft",
    ),
    path("scenarios/drafts/<uuid:pk>/again/", DraftViewSet.as_view({"post": "again"}), name="api-draft-again"),
    path("scenarios/drafts/<uuid:pk>/restore/", DraftViewSet.as_view({"post": "restore"}), name="api-draft-restore"),
    path(
        "scenarios/drafts/<uuid:pk>/source/",
        DraftViewSet.as_view({"delete": "delete_source"}),
        name="api-draft-source",
    ),
    path("scenarios/drafts/<uuid:pk>/save/", DraftViewSet.as_view({"post": "save"}), name="api-draft-save"),
    path(
        "scenarios/<uuid:pk>/",
        ScenarioViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-scenario",
    ),
    path("scenarios/<uuid:pk>/promote/", ScenarioViewSet.as_view({"post": "promote"}), name="api-promote"),
    path("scenarios/<uuid:pk>/demote/", ScenarioViewSet.as_view({"post": "demote"}), name="api-demote"),
    path("sessions/<uuid:pk>/evaluation/", idempotent(evaluation_api.evaluation), name="api-evaluation"),
    path("sessions/<uuid:pk>/comments/", idempotent(session_api.comments), name="api-comments"),
    path("sessions/<uuid:pk>/comments/<str:comment>/", session_api.comment_delete, name="api-comment"),
    path(
        "sessions/<uuid:pk>/documentation/",
        idempotent(session_api.DocumentationView.as_view()),
        name="api-documentation",
    ),
    path("sessions/<uuid:pk>/documentation/retry/", session_api.documentation_retry, name="api-documentation-retry"),
    path("me/", people_api.me, name="api-me"),
    path("evaluations/", EvaluationViewSet.as_view({"get": "list"}), name="api-evaluations"),
    path("evaluations/<uuid:pk>/", EvaluationViewSet.as_view({"get": "retrieve"}), name="api-graded"),
    path("evaluations/<uuid:pk>/looked-at/", EvaluationViewSet.as_view({"post": "looked_at"}), name="api-looked-at"),
    path(
        "evaluations/<uuid:pk>/criteria/<slug:key>/review/",
        EvaluationViewSet.as_view({"post": "review"}),
        name="api-review",
    ),
    path(
        "evaluations/<uuid:pk>/criteria/<slug:key>/dispute/",
        EvaluationViewSet.as_view({"post": "dispute"}),
        name="api-dispute",
    ),
    path("flags/", FlagViewSet.as_view({"get": "list"}), name="api-flags"),
    path("flags/<uuid:pk>/", FlagViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="api-flag"),
    path("disputes/", DisputeViewSet.as_view({"get": "list"}), name="api-disputes"),
    path("progress/", team_api.progress, name="api-progress"),
    path("team/", team_api.TeamView.as_view(), name="api-team"),
    path("attention/", team_api.attention, name="api-attention"),
    path("live/", team_api.LiveView.as_view(), name="api-live"),
    path("people/", PeopleViewSet.as_view({"get": "list"}), name="api-people"),
    path("people/<uuid:pk>/", PeopleViewSet.as_view({"get": "retrieve"}), name="api-person"),
    path("cohorts/", idempotent(CohortViewSet.as_view({"get": "list", "post": "create"})), name="api-cohorts"),
    path("cohorts/<uuid:pk>/", CohortViewSet.as_view(ONE), name="api-cohort"),
    path("tokens/", ServiceTokenViewSet.as_view({"get": "list", "post": "create"}), name="api-tokens"),
    path("tokens/<uuid:pk>/", ServiceTokenViewSet.as_view({"get": "retrieve"}), name="api-token"),
    path("tokens/<uuid:pk>/revoke/", ServiceTokenViewSet.as_view({"post": "revoke"}), name="api-token-revoke"),
    path("webhooks/", idempotent(WebhookViewSet.as_view({"get": "list", "post": "create"})), name="api-webhooks"),
    path("webhooks/<uuid:pk>/", WebhookViewSet.as_view(ONE), name="api-webhook"),
    path("webhooks/<uuid:pk>/deliveries/", WebhookViewSet.as_view({"get": "deliveries"}), name="api-deliveries"),
    path("recordings/", recording_api.RecordingList.as_view(), name="api-recordings"),
    path("recordings/<uuid:pk>/download/", recording_api.download, name="api-recording-download"),
    path("recordings/<uuid:pk>/link/", recording_api.link, name="api-recording-link"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]
