from django.urls import path

from scenarios.views import editor, lists

app_name = "scenarios"
urlpatterns = [
    path("scenarios/", lists.scenario_list, name="scenario_list"),
    path("scenarios/export/", lists.scenario_export, name="scenario_export"),
    path("scenarios/assign/", lists.scenario_assign, name="scenario_assign"),
    path("scenarios/activate/", lists.scenario_activate, name="scenario_activate"),
    path("scenarios/deactivate/", lists.scenario_deactivate, name="scenario_deactivate"),
    path("scenarios/promote/", lists.scenario_promote, name="scenario_promote"),
    path("scenarios/demote/", lists.scenario_demote, name="scenario_demote"),
    path("scenarios/delete/", lists.scenario_delete, name="scenario_delete"),
    path("scenarios/new/", editor.scenario_new, name="scenario_new"),
    path("scenarios/sections/<int:pk>/", editor.section_text, name="section_text"),
    path("scenarios/<uuid:pk>/", editor.scenario_edit, name="scenario_edit"),
    path("scenarios/<uuid:pk>/published/", editor.scenario_detail, name="scenario_detail"),
    path("scenarios/<uuid:pk>/discard/", editor.scenario_discard, name="scenario_discard"),
    path("scenarios/<uuid:pk>/keep/", editor.scenario_keep, name="scenario_keep"),
    path("scenarios/<uuid:pk>/<slug:step>/", editor.scenario_edit, name="scenario_edit"),
    path("scenarios/<uuid:pk>/<slug:step>/autosave/", editor.scenario_autosave, name="scenario_autosave"),
]
