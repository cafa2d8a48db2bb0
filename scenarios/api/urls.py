from django.urls import path

from accounts.integrations.idempotency import idempotent
from scenarios.api.imports import ImportViewSet
from scenarios.api.scenarios import ScenarioViewSet

app_name = "scenarios"
urlpatterns = [
    path("scenarios/", idempotent(ScenarioViewSet.as_view({"get": "list", "post": "create"})), name="list"),
    path("scenarios/lint/", ScenarioViewSet.as_view({"post": "lint"}), name="lint"),
    path("scenarios/export/", ScenarioViewSet.as_view({"get": "export"}), name="export"),
    path("scenarios/import/", ImportViewSet.as_view({"post": "create"}), name="import_create"),
    path("scenarios/imports/", ImportViewSet.as_view({"get": "list"}), name="import_list"),
    path("scenarios/imports/<uuid:pk>/", ImportViewSet.as_view({"get": "retrieve"}), name="import_detail"),
    path(
        "scenarios/<uuid:pk>/",
        ScenarioViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="detail",
    ),
    path("scenarios/<uuid:pk>/promote/", ScenarioViewSet.as_view({"post": "promote"}), name="promote"),
    path("scenarios/<uuid:pk>/demote/", ScenarioViewSet.as_view({"post": "demote"}), name="demote"),
]
