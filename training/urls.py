from django.urls import path

from training.views import assignment_bulk, assignments, drafts, library, practice

app_name = "training"
urlpatterns = [
    path("assignments/", assignments.assignment_list, name="assignment_list"),
    path("assignments/new/", assignments.assign, name="assign"),
    path("assignments/new/counselors/", assignments.search_choices, {"what": "counselors"}, name="counselor_search"),
    path("assignments/new/scenarios/", assignments.search_choices, {"what": "scenarios"}, name="scenario_search"),
    path("assignments/change/", assignment_bulk.assignments_change, name="assignments_change"),
    path("assignments/<uuid:pk>/", assignments.assignment_detail, name="assignment_detail"),
    path("assignments/<uuid:pk>/reset/", assignments.assignment_change, {"verb": "reset"}, name="assignment_reset"),
    path("assignments/<uuid:pk>/cancel/", assignments.assignment_change, {"verb": "cancel"}, name="assignment_cancel"),
    path("assignments/<uuid:pk>/decline/", assignments.assignment_decline, name="assignment_decline"),
    path("scenarios/drafts/", drafts.draft_new, name="draft_new"),
    path("scenarios/drafts/<uuid:pk>/", drafts.draft, name="draft"),
    path("scenarios/drafts/<uuid:pk>/state/", drafts.draft_state, name="draft_state"),
    path("scenarios/drafts/<uuid:pk>/check/", drafts.draft_check, name="draft_check"),
    path("scenarios/drafts/<uuid:pk>/again/", drafts.draft_regenerate, name="draft_regenerate"),
    path("scenarios/drafts/<uuid:pk>/restore/", drafts.draft_restore, name="draft_restore"),
    path("scenarios/drafts/<uuid:pk>/discard/", drafts.draft_discard, name="draft_discard"),
    path("scenarios/drafts/<uuid:pk>/complaint/delete/", drafts.draft_delete_source, name="draft_delete_source"),
    path("training/voice/free/", practice.free_practice, {"mode": "phone"}, name="voice_free"),
    path("training/chat/free/", practice.free_practice, {"mode": "chat"}, name="chat_free"),
    path("training/chat/begin/", practice.chat_start, name="chat_start"),
    path("training/chat/<uuid:pk>/say/", practice.chat_send, name="chat_send"),
    path("training/chat/<uuid:pk>/end/", practice.chat_end, name="chat_end"),
    path("training/library/", library.scenario_library, name="scenario_library"),
    path("training/voice/warm-up/", practice.warm_up, name="warm_up"),
    path("training/voice/trial/<uuid:pk>/", practice.trial, {"mode": "phone"}, name="voice_trial"),
    path("training/chat/trial/<uuid:pk>/", practice.trial, {"mode": "chat"}, name="chat_trial"),
    path("training/voice/<uuid:pk>/", practice.practice, {"mode": "phone"}, name="voice"),
    path("training/chat/<uuid:pk>/", practice.practice, {"mode": "chat"}, name="chat"),
]
