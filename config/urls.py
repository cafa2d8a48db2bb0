from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts import views as account_views
from accounts.api import AccountViewSet
from config import health
from evaluation import api as evaluation_api
from evaluation import care_views, documentation_views, progress_views, review_views, team_views
from evaluation import views as evaluation_views
from recordings import api as recording_api
from recordings import views as recording_views
from scenarios.api import ImportViewSet, ScenarioViewSet
from training import api as training_api
from training import assignment_views
from training.assignment_api import AssignmentViewSet
from training.draft_api import AssignableDraftViewSet as DraftViewSet

# One way in, for the administration too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", evaluation_views.dashboard, name="dashboard"),
    path("sessions/", evaluation_views.history, name="history"),
    path("sessions/<uuid:pk>/", evaluation_views.session, name="session"),
    path("sessions/<uuid:pk>/end/", evaluation_views.session_end, name="session_end"),
    path("sessions/<uuid:pk>/stop/", care_views.session_stop, name="session_stop"),
    path("sessions/<uuid:pk>/feeling/", care_views.session_feeling, name="session_feeling"),
    path("sessions/<uuid:pk>/name/", care_views.session_name, name="session_name"),
    path("sessions/<uuid:pk>/report/", care_views.session_report, name="session_report"),
    path("sessions/<uuid:pk>/transcript/", evaluation_views.transcript, name="session_transcript"),
    path("sessions/<uuid:pk>/transcript.txt", care_views.session_export, {"kind": "txt"}, name="session_text"),
    path("sessions/<uuid:pk>/transcript.json", care_views.session_export, {"kind": "json"}, name="session_json"),
    path("sessions/<uuid:pk>/feedback/", evaluation_views.feedback, name="session_feedback"),
    path("sessions/<uuid:pk>/recording/", evaluation_views.recording, name="session_recording"),
    path("sessions/<uuid:pk>/comments/", evaluation_views.comments, name="session_comments"),
    path("sessions/<uuid:pk>/comments/<int:comment>/delete/", evaluation_views.comment_delete, name="comment_delete"),
    path("sessions/<uuid:pk>/documentation/", documentation_views.documentation, name="session_documentation"),
    path(
        "sessions/<uuid:pk>/documentation/retry/", documentation_views.documentation_retry, name="documentation_retry"
    ),
    path("progress/", progress_views.progress, name="progress"),
    path("progress/<slug:skill>/", progress_views.evidence, name="evidence"),
    path("team/", team_views.team, name="team"),
    path("team/export.csv", team_views.team_export, name="team_export"),
    path("team/people/", team_views.people_found, name="people_found"),
    path("attention/", team_views.attention, name="attention"),
    path("live/", team_views.live, name="live"),
    path("feedback/", team_views.graded, name="graded"),
    path("flags/", team_views.flags, name="flags"),
    path("flags/<uuid:pk>/", team_views.flag_handle, name="flag_handle"),
    path("reviews/", review_views.waiting, name="waiting"),
    path("reviews/agreement/", review_views.agreement, name="agreement"),
    path("evaluations/<uuid:pk>/looked-at/", review_views.looked_at, name="looked_at"),
    path("evaluations/<uuid:pk>/criteria/<slug:key>/review/", review_views.criterion_review, name="criterion_review"),
    path("evaluations/<uuid:pk>/criteria/<slug:key>/dispute/", care_views.criterion_dispute, name="criterion_dispute"),
    path("recordings/<uuid:pk>/audio/", recording_views.audio, name="recording_audio"),
    path("accounts/", account_views.account_list, name="accounts"),
    path("accounts/<uuid:pk>/", account_views.account, name="account"),
    path("accounts/<uuid:pk>/procedures/", account_views.procedures, name="account_procedures"),
    path("accounts/<uuid:pk>/procedures/upload/", account_views.procedures_upload, name="procedures_upload"),
    path(
        "accounts/<uuid:pk>/procedures/<uuid:document>/retry/", account_views.procedures_retry, name="procedures_retry"
    ),
    path("assignments/", assignment_views.assignments, name="assignments"),
    path("assignments/new/", assignment_views.assign, name="assign"),
    path("assignments/new/counselors/", assignment_views.pick, {"what": "counselors"}, name="pick_counselors"),
    path("assignments/new/scenarios/", assignment_views.pick, {"what": "scenarios"}, name="pick_scenarios"),
    path("assignments/<uuid:pk>/", assignment_views.assignment, name="assignment"),
    path(
        "assignments/<uuid:pk>/reset/", assignment_views.assignment_change, {"verb": "reset"}, name="assignment_reset"
    ),
    path(
        "assignments/<uuid:pk>/cancel/",
        assignment_views.assignment_change,
        {"verb": "cancel"},
        name="assignment_cancel",
    ),
    path("assignments/<uuid:pk>/decline/", assignment_views.assignment_decline, name="assignment_decline"),
    path("training/", include("training.urls")),
    path("account/notices/", account_views.notices, name="notices"),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/sessions/", training_api.session_start, name="api-sessions"),
    path("api/sessions/<uuid:pk>/", training_api.session_detail, name="api-session"),
    path("api/sessions/<uuid:pk>/messages/", training_api.MessagesView.as_view(), name="api-messages"),
    path("api/sessions/<uuid:pk>/end/", training_api.session_end, name="api-end"),
    path("api/sessions/<uuid:pk>/stop/", training_api.session_stop, name="api-stop"),
    path("api/sessions/<uuid:pk>/ticket/", training_api.session_ticket, name="api-ticket"),
    path("api/assignments/", AssignmentViewSet.as_view({"get": "list", "post": "create"}), name="api-assignments"),
    path("api/assignments/bulk/", AssignmentViewSet.as_view({"post": "bulk"}), name="api-assign-bulk"),
    path(
        "api/assignments/<uuid:pk>/",
        AssignmentViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-assignment",
    ),
    path("api/assignments/<uuid:pk>/reset/", AssignmentViewSet.as_view({"post": "reset"}), name="api-reset"),
    path("api/assignments/<uuid:pk>/cancel/", AssignmentViewSet.as_view({"post": "cancel"}), name="api-cancel"),
    path("api/assignments/<uuid:pk>/decline/", AssignmentViewSet.as_view({"post": "decline"}), name="api-decline"),
    path("api/assignments/one-time/", training_api.one_time, name="api-one-time"),
    path("api/accounts/", AccountViewSet.as_view({"get": "list"}), name="api-accounts"),
    path(
        "api/accounts/<uuid:pk>/",
        AccountViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-account",
    ),
    path("api/accounts/<uuid:pk>/sections/", AccountViewSet.as_view({"get": "sections"}), name="api-sections"),
    path("api/accounts/<uuid:pk>/sections/suggest/", AccountViewSet.as_view({"post": "suggest"}), name="api-suggest"),
    path(
        "api/accounts/<uuid:pk>/procedures/<uuid:document>/retry/",
        AccountViewSet.as_view({"post": "retry"}),
        name="api-procedures-retry",
    ),
    path("api/scenarios/", ScenarioViewSet.as_view({"get": "list", "post": "create"}), name="api-scenarios"),
    path("api/scenarios/lint/", ScenarioViewSet.as_view({"post": "lint"}), name="api-lint"),
    path("api/scenarios/export/", ScenarioViewSet.as_view({"get": "export"}), name="api-export"),
    path("api/scenarios/import/", ImportViewSet.as_view({"post": "create"}), name="api-import-begin"),
    path("api/scenarios/imports/", ImportViewSet.as_view({"get": "list"}), name="api-imports"),
    path("api/scenarios/imports/<uuid:pk>/", ImportViewSet.as_view({"get": "retrieve"}), name="api-import"),
    path("api/scenarios/drafts/", DraftViewSet.as_view({"get": "list", "post": "create"}), name="api-drafts"),
    path(
        "api/scenarios/drafts/<uuid:pk>/",
        DraftViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="api-draft",
    ),
    path("api/scenarios/drafts/<uuid:pk>/again/", DraftViewSet.as_view({"post": "again"}), name="api-draft-again"),
    path(
        "api/scenarios/drafts/<uuid:pk>/restore/", DraftViewSet.as_view({"post": "restore"}), name="api-draft-restore"
    ),
    path(
        "api/scenarios/drafts/<uuid:pk>/source/",
        DraftViewSet.as_view({"delete": "delete_source"}),
        name="api-draft-source",
    ),
    path("api/scenarios/drafts/<uuid:pk>/save/", DraftViewSet.as_view({"post": "save"}), name="api-draft-save"),
    path(
        "api/scenarios/<uuid:pk>/",
        ScenarioViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-scenario",
    ),
    path("api/scenarios/<uuid:pk>/promote/", ScenarioViewSet.as_view({"post": "promote"}), name="api-promote"),
    path("api/scenarios/<uuid:pk>/demote/", ScenarioViewSet.as_view({"post": "demote"}), name="api-demote"),
    path("api/sessions/<uuid:pk>/evaluation/", evaluation_api.evaluation, name="api-evaluation"),
    path("api/recordings/", recording_api.RecordingList.as_view(), name="api-recordings"),
    path("api/recordings/<uuid:pk>/download/", recording_api.download, name="api-recording-download"),
    path("api/recordings/<uuid:pk>/link/", recording_api.link, name="api-recording-link"),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("health/", health.health, name="health"),
    path("ready/", health.ready, name="ready"),
]
