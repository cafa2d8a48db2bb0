from typing import Any

from django.urls import path

from accounts.api.accounts import AccountViewSet
from accounts.api.people import CohortViewSet, PeopleViewSet, me
from accounts.integrations.idempotency import idempotent
from accounts.integrations.token_and_webhook_api import ServiceTokenViewSet, WebhookViewSet

DETAIL_ACTIONS: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

app_name = "accounts"
urlpatterns = [
    path("accounts/", AccountViewSet.as_view({"get": "list"}), name="account_list"),
    path(
        "accounts/<uuid:pk>/",
        AccountViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="account_detail",
    ),
    path(
        "accounts/<uuid:pk>/sections/",
        AccountViewSet.as_view({"get": "sections"}, pagination_class=None),
        name="section_list",
    ),
    path(
        "accounts/<uuid:pk>/sections/suggest/",
        AccountViewSet.as_view({"post": "suggest"}, pagination_class=None),
        name="section_suggest",
    ),
    path(
        "accounts/<uuid:pk>/procedures/<uuid:document>/retry/",
        AccountViewSet.as_view({"post": "retry"}),
        name="procedures_retry",
    ),
    path(
        "accounts/<uuid:pk>/procedures/<uuid:document>/confirm/",
        AccountViewSet.as_view({"post": "confirm"}),
        name="procedures_confirm",
    ),
    path("me/", me, name="me"),
    path("people/", PeopleViewSet.as_view({"get": "list"}), name="person_list"),
    path("people/<uuid:pk>/", PeopleViewSet.as_view({"get": "retrieve"}), name="person_detail"),
    path("cohorts/", idempotent(CohortViewSet.as_view({"get": "list", "post": "create"})), name="cohort_list"),
    path("cohorts/<uuid:pk>/", CohortViewSet.as_view(DETAIL_ACTIONS), name="cohort_detail"),
    path(
        "tokens/",
        idempotent(ServiceTokenViewSet.as_view({"get": "list", "post": "create"})),
        name="service_token_list",
    ),
    path("tokens/<uuid:pk>/", ServiceTokenViewSet.as_view({"get": "retrieve"}), name="service_token_detail"),
    path("tokens/<uuid:pk>/revoke/", ServiceTokenViewSet.as_view({"post": "revoke"}), name="service_token_revoke"),
    path("webhooks/", idempotent(WebhookViewSet.as_view({"get": "list", "post": "create"})), name="webhook_list"),
    path("webhooks/<uuid:pk>/", WebhookViewSet.as_view(DETAIL_ACTIONS), name="webhook_detail"),
    path("webhooks/<uuid:pk>/deliveries/", WebhookViewSet.as_view({"get": "deliveries"}), name="webhook_deliveries"),
]
