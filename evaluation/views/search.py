"""Page that searches everything a person may see."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.web.requests import AuthenticatedRequest
from evaluation.filter_forms import SearchForm
from evaluation.reports.search import search


@login_required
@require_GET
def search_page(request: AuthenticatedRequest) -> HttpResponse:
    """Show the search box and, once something is entered, what was found."""
    form = SearchForm(request.GET)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    return render(
        request, "evaluation/search.html", {"form": form, "words": words, "groups": search(request.user, words)}
    )
