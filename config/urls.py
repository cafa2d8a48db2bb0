from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from accounts import views as account_views
from config import health
from evaluation import (
    care_views,
    documentation_views,
    progress_views,
    review_views,
    team_views,
)
from evaluation import views as evaluation_views
from recordings import views as recording_views
from training import assignment_views

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
    path("api/", include("config.api_urls")),
    path("health/", health.health, name="health"),
    path("ready/", health.ready, name="ready"),
]
