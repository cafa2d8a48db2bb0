"""Lookups and searches in lists. Values that the reader may not see find nothing, and none causes an error."""

import pytest
from django.contrib.admin import site
from django.test import RequestFactory

from accounts.admin import TenantAdmin
from evaluation.models import Evaluation
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of

LOOKUPS = ("", "__exact", "__in", "__gt", "__year", "__regex", "__iregex", "__startswith", "__contains", "__id__in")


def column_names(model):
    return [field.name for field in model._meta.get_fields() if hasattr(field, "attname")]


@pytest.fixture
def graded(queued_evaluation, finished_chat):
    """A graded session, which evaluators may read, with a feeling that they may not read."""
    Evaluation.objects.update(status="completed", score=80)
    type(finished_chat).objects.filter(pk=finished_chat.pk).update(feeling=1, feeling_note="My own loss came back.")
    return finished_chat


def test_lists_accept_only_the_lookups_of_their_filters(admin, evaluator, graded):
    request, allowed, refused = RequestFactory().get("/"), set(), 0
    request.user = admin
    for model, model_admin in site._registry.items():
        if not isinstance(model_admin, TenantAdmin):
            continue
        filtered = [one[0] if isinstance(one, tuple) else one for one in model_admin.list_filter]
        # Filters that we wrote take their own parameter only, and no lookup.
        own = {getattr(one, "parameter_name", None) for one in filtered}
        for field in column_names(model):
            for lookup in LOOKUPS:
                if field in own and not lookup:
                    continue
                if field in filtered and lookup in {"", "__exact"}:
                    continue
                if model_admin.lookup_allowed(f"{field}{lookup}", "1", request):
                    allowed.add(f"{model.__name__}.{field}{lookup}")
                refused += 1

    assert allowed == set()
    assert refused > 1000
    # A counselor's note about the session, which evaluators may not read.
    guesses = [f"/admin/training/session/?feeling_note__startswith={text}" for text in ("My own", "Other")]
    assert [client_of(evaluator).get(guess).status_code for guess in guesses] == [400, 400]
    assert client_of(evaluator).get("/admin/training/session/").status_code == 200


def test_only_groups_have_lists_of_their_own():
    assert {model.__name__ for model, one in site._registry.items() if not isinstance(one, TenantAdmin)} == {"Group"}


def test_filters_of_lists_still_work(admin, chat_assignment, phone_scenario, graded):
    client = client_of(admin)
    queries = {
        "training/assignment": ["status__exact=pending", "due_date__isnull=True", "due_date__gte=2026-01-01"],
        "training/session": ["kind=all", "mode__exact=chat", f"counselor__id__exact={graded.counselor_id}"],
        "evaluation/evaluation": ["searched=no", "grade=A", "kind=trial", "status__exact=completed"],
        "scenarios/scenario": [f"account__id__exact={phone_scenario.account_id}", "category__isnull=True"],
        "accounts/user": ["role__exact=counselor", "is_active__exact=1"],
        "recordings/recording": ["is_held__exact=0", f"session__counselor__id__exact={graded.counselor_id}"],
    }

    for model, found in queries.items():
        for query in found:
            assert client.get(f"/admin/{model}/?{query}").status_code == 200, (model, query)


def test_adding_ignores_values_in_the_url(admin):
    client = client_of(admin)
    checked = 0
    for model, model_admin in site._registry.items():
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/"
        if client.get(url).status_code != 200:
            continue
        for field in column_names(model):
            assert client.get(f"{url}?{field}=abc").status_code == 200, (url, field)
        checked += 1
        assert model_admin.get_changeform_initial_data(None) == {}

    assert checked >= 8


@pytest.mark.parametrize("path", ["/admin/training/session/?q={}", "/sessions/?q={}", "/feedback/?q={}"])
def test_search_finds_people_by_address_only_for_those_who_may_see_it(path, evaluator, supervisor, graded):
    counselor = graded.counselor
    counselor.first_name, counselor.last_name, counselor.email = "Nora", "Quist", "secretive@example.org"
    counselor.save()

    def finds(reader, text):
        return str(graded.pk) in client_of(reader).get(path.format(text)).content.decode()

    assert [finds(evaluator, "Nora"), finds(evaluator, "secretive"), finds(supervisor, "secretive")] == [
        True,
        False,
        True,
    ]
