from django.urls import path

from accounts.integrations.idempotency import idempotent
from evaluation.api import agreement, comments, feedback, reviews, team
from evaluation.api.reviews import DisputeViewSet, EvaluationViewSet, FlagViewSet

app_name = "evaluation"
urlpatterns = [
    path("sessions/<uuid:pk>/report/", idempotent(reviews.session_report), name="session_report"),
    path("sessions/<uuid:pk>/evaluation/", idempotent(feedback.session_evaluation), name="session_evaluation"),
    path("sessions/<uuid:pk>/comments/", idempotent(comments.session_comments), name="session_comments"),
    path("sessions/<uuid:pk>/comments/<str:comment>/", comments.comment_delete, name="session_comment"),
    path(
        "sessions/<uuid:pk>/documentation/",
        idempotent(comments.DocumentationView.as_view()),
        name="session_documentation",
    ),
    path("sessions/<uuid:pk>/documentation/retry/", comments.documentation_retry, name="documentation_retry"),
    path("evaluations/", EvaluationViewSet.as_view({"get": "list"}), name="evaluation_list"),
    path("evaluations/<uuid:pk>/", EvaluationViewSet.as_view({"get": "retrieve"}), name="evaluation_detail"),
    path("evaluations/<uuid:pk>/agree/", EvaluationViewSet.as_view({"post": "agree"}), name="evaluation_agree"),
    path(
        "evaluations/<uuid:pk>/looked-at/",
        EvaluationViewSet.as_view({"post": "looked_at"}),
        name="evaluation_looked_at",
    ),
    path(
        "evaluations/<uuid:pk>/criteria/<slug:key>/review/",
        EvaluationViewSet.as_view({"post": "review"}),
        name="criterion_review",
    ),
    path(
        "evaluations/<uuid:pk>/criteria/<slug:key>/dispute/",
        EvaluationViewSet.as_view({"post": "dispute"}),
        name="criterion_dispute",
    ),
    path("agreement/", agreement.agreement, name="agreement"),
    path("flags/", FlagViewSet.as_view({"get": "list"}), name="flag_list"),
    path("flags/<uuid:pk>/", FlagViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="flag_detail"),
    path("disputes/", DisputeViewSet.as_view({"get": "list"}), name="dispute_list"),
    path("progress/", team.progress, name="progress"),
    path("team/", team.TeamView.as_view(), name="team"),
    path("attention/", team.attention, name="attention"),
    path("live/", team.LiveSessionsView.as_view(), name="live_sessions"),
]
