from django.urls import path

from accounts.integrations.idempotency import idempotent
from training.api import session_actions
from training.api.assignments import AssignmentViewSet
from training.api.drafts import AssignableDraftViewSet
from training.api.library import LibraryViewSet
from training.api.sessions import SessionListView

app_name = "training"
urlpatterns = [
    path("library/", LibraryViewSet.as_view({"get": "list"}), name="library_list"),
    path("library/<uuid:pk>/", LibraryViewSet.as_view({"get": "retrieve"}), name="library_detail"),
    path("sessions/", idempotent(SessionListView.as_view()), name="session_list"),
    path("sessions/<uuid:pk>/", session_actions.session_detail, name="session_detail"),
    path("sessions/<uuid:pk>/messages/", idempotent(session_actions.MessagesView.as_view()), name="session_messages"),
    path("sessions/<uuid:pk>/end/", session_actions.session_end, name="session_end"),
    path("sessions/<uuid:pk>/stop/", session_actions.session_stop, name="session_stop"),
    path("sessions/<uuid:pk>/feeling/", session_actions.session_feeling, name="session_feeling"),
    path("sessions/<uuid:pk>/ticket/", session_actions.session_ticket, name="session_ticket"),
    path(
        "assignments/",
        idempotent(AssignmentViewSet.as_view({"get": "list", "post": "create"})),
        name="assignment_list",
    ),
    path("assignments/bulk/", idempotent(AssignmentViewSet.as_view({"post": "bulk"})), name="assignment_bulk"),
    path(
        "assignments/<uuid:pk>/",
        AssignmentViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="assignment_detail",
    ),
    path("assignments/<uuid:pk>/reset/", AssignmentViewSet.as_view({"post": "reset"}), name="assignment_reset"),
    path("assignments/<uuid:pk>/cancel/", AssignmentViewSet.as_view({"post": "cancel"}), name="assignment_cancel"),
    path("assignments/<uuid:pk>/decline/", AssignmentViewSet.as_view({"post": "decline"}), name="assignment_decline"),
    path("assignments/one-time/", idempotent(session_actions.create_one_time_scenario), name="one_time_scenario"),
    path(
        "scenarios/drafts/",
        idempotent(AssignableDraftViewSet.as_view({"get": "list", "post": "create"})),
        name="draft_list",
    ),
    path(
        "scenarios/drafts/<uuid:pk>/",
        AssignableDraftViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="draft_detail",
    ),
    path(
        "scenarios/drafts/<uuid:pk>/again/",
        AssignableDraftViewSet.as_view({"post": "again"}),
        name="draft_regenerate",
    ),
    path(
        "scenarios/drafts/<uuid:pk>/restore/",
        AssignableDraftViewSet.as_view({"post": "restore"}),
        name="draft_restore",
    ),
    path(
        "scenarios/drafts/<uuid:pk>/source/",
        AssignableDraftViewSet.as_view({"delete": "delete_source"}),
        name="draft_source",
    ),
    path("scenarios/drafts/<uuid:pk>/save/", AssignableDraftViewSet.as_view({"post": "save"}), name="draft_save"),
]
