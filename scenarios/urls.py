from django.urls import path

from scenarios.views import editor, imports, lists

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
    path("scenarios/import/", imports.import_new, name="import_new"),
    path("scenarios/import/template.csv", imports.import_template, {"kind": "csv"}, name="import_template_csv"),
    path("scenarios/import/template.json", imports.import_template, {"kind": "json"}, name="import_template_json"),
    path("scenarios/import/<uuid:pk>/", imports.import_detail, name="import_detail"),
    path("scenarios/import/<uuid:pk>/progress/", imports.import_progress, name="import_progress"),
    path("scenarios/import/<uuid:pk>/begin/", imports.import_begin, name="import_begin"),
    path("scenarios/import/<uuid:pk>/categories/", imports.import_categories, name="import_categories"),
    path("scenarios/import/<uuid:pk>/resume/", imports.import_resume, name="import_resume"),
    path("scenarios/import/<uuid:pk>/discard/", imports.import_discard, name="import_discard"),
    path("scenarios/<uuid:pk>/", editor.scenario_edit, name="scenario_edit"),
    path("scenarios/<uuid:pk>/published/", editor.scenario_detail, name="scenario_detail"),
    path("scenarios/<uuid:pk>/discard/", editor.scenario_discard, name="scenario_discard"),
    path("scenarios/<uuid:pk>/keep/", editor.scenario_keep, name="scenario_keep"),
    path("scenarios/<uuid:pk>/<slug:step>/", editor.scenario_edit, name="scenario_edit"),
    path("scenarios/<uuid:pk>/<slug:step>/autosave/", editor.scenario_autosave, name="scenario_autosave"),
]
