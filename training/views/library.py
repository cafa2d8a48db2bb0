"""The scenario library: whom to practice with."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Feature, User
from accounts.services.features import require_feature
from accounts.web.countless_paginator import CountlessPage, get_countless_page
from accounts.web.requests import AuthenticatedRequest
from scenarios.models import Category, Difficulty, Scenario
from training.forms import LibraryFilterForm
from training.models import Assignment, with_own_results

PER_PAGE = 24  # fills rows of two and of three
MAX_CATEGORIES = 30  # chips


@dataclass(frozen=True)
class LibraryRow:
    """A scenario of the library."""

    scenario: Scenario  # with the user's `attempts` and `best_score`
    assignment: Assignment | None  # the user's open one
    level: int  # of the difficulty, from 1


@login_required
@require_GET
def scenario_library(request: AuthenticatedRequest) -> HttpResponse:
    """List scenarios for free practice by title, without any prompt or assessment criteria."""
    require_feature(request.user.organization, Feature.FREE_PRACTICE)
    form = LibraryFilterForm(request.user, request.GET)
    playable = Scenario.objects.playable_by(request.user)
    found = form.narrow(with_own_results(playable, request.user)).order_by("title", "pk")
    page = get_countless_page(found, PER_PAGE, request.GET.get("page"))
    page.object_list = _build_rows(request.user, page)
    context = {
        "form": form,
        "page": page,
        "count": found.count(),
        "difficulties": Difficulty.choices,
        "categories": Category.objects.for_user(request.user).filter(Exists(playable.filter(category=OuterRef("pk"))))[
            :MAX_CATEGORIES
        ],
    }
    return render(request, "training/library.html", context)


def _build_rows(user: User, page: CountlessPage) -> list[LibraryRow]:
    mine = Assignment.objects.for_user(user).filter(counselor=user, scenario__in=[one.pk for one in page]).open()
    assigned = {assignment.scenario_id: assignment for assignment in mine}
    return [LibraryRow(one, assigned.get(one.pk), Difficulty.values.index(one.difficulty) + 1) for one in page]
