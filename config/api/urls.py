"""URLs of the REST API."""

from django.urls import include, path

from config.api.views import DocsView, SchemaView

app_name = "api"
urlpatterns = [
    path("", include("evaluation.api.urls")),
    path("", include("recordings.api.urls")),
    path("", include("training.api.urls")),
    path("", include("scenarios.api.urls")),
    path("", include("accounts.api.urls")),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="api:schema"), name="docs"),
]
