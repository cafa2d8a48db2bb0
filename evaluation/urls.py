from django.urls import path

from evaluation.views import debrief, documentation, progress, reviews, sessions, team

app_name = "evaluation"
urlpatterns = [
    path("", sessions.home, name="dashboard"),
    path("sessions/", sessions.history, name="history"),
    path("sessions/<uuid:pk>/", sessions.session_detail, name="session"),
    path("sessions/<uuid:pk>/end/", sessions.session_end, name="session_end"),
    path("sessions/<uuid:pk>/stop/", debrief.session_stop, name="session_stop"),
    path("sessions/<uuid:pk>/feeling/", debrief.session_feeling, name="session_feeling"),
    path("sessions/<uuid:pk>/name/", debrief.session_rename, name="session_rename"),
    path("sessions/<uuid:pk>/report/", debrief.session_report, name="session_report"),
    path("sessions/<uuid:pk>/transcript/", sessions.session_transcript, name="session_transcript"),
    path("sessions/<uuid:pk>/transcript.txt", debrief.transcript_export, {"kind": "txt"}, name="transcript_text"),
    path("sessions/<uuid:pk>/transcript.json", debrief.transcript_export, {"kind": "json"}, name="transcript_json"),
    path("sessions/<uuid:pk>/feedback/", sessions.session_feedback, name="session_feedback"),
    path("sessions/<uuid:pk>/recording/", sessions.session_recording, name="session_recording"),
    path("sessions/<uuid:pk>/comments/", sessions.session_comments, name="session_comments"),
    path("sessions/<uuid:pk>/comments/<int:comment>/delete/", sessions.comment_delete, name="comment_delete"),
    path("sessions/<uuid:pk>/documentation/", documentation.documentation, name="session_documentation"),
    path("sessions/<uuid:pk>/documentation/retry/", documentation.documentation_retry, name="documentation_retry"),
    path("progress/", progress.progress, name="progress"),
    path("progress/<slug:skill>/", progress.skill_evidence, name="skill_evidence"),
    path("team/", team.team, name="team"),
    path("team/export.csv", team.team_export, name="team_export"),
    path("team/people/", team.counselor_search, name="counselor_search"),
    path("attention/", team.attention, name="attention"),
    path("live/", team.live_session_list, name="live_sessions"),
    path("feedback/", team.evaluation_list, name="evaluation_list"),
    path("flags/", team.flag_list, name="flag_list"),
    path("flags/<uuid:pk>/", team.flag_handle, name="flag_update"),
    path("reviews/", reviews.review_queue, name="review_queue"),
    path("reviews/agreement/", reviews.agreement, name="agreement"),
    path("evaluations/<uuid:pk>/looked-at/", reviews.evaluation_looked_at, name="evaluation_looked_at"),
    path("evaluations/<uuid:pk>/criteria/<slug:key>/review/", reviews.criterion_review, name="criterion_review"),
    path("evaluations/<uuid:pk>/criteria/<slug:key>/dispute/", debrief.criterion_dispute, name="criterion_dispute"),
]
