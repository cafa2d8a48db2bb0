"""Search over scenarios, people, conversations, and procedures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import F, Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import Account, ProcedureSection, User
from scenarios.models import Scenario
from training.models import Session

MAX_RESULTS = 5  # of each kind
SHORTEST_QUERY = 2  # characters
_EXCERPT_BEFORE, _EXCERPT_LENGTH = 40, 160  # characters of a section's text


@dataclass(frozen=True)
class SearchResult:
    """One thing that was found."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class ResultGroup:
    """Results of one kind, the best first."""

    key: str
    title: str
    icon: str
    results: list[SearchResult]
    more_url: str = ""  # page with all results of this kind, if there are more than shown


def search(user: User, words: str) -> list[ResultGroup]:
    """Return what `user` may see and that matches the words, by kind. Empty kinds are left out."""
    words = words.strip()
    if len(words) < SHORTEST_QUERY:
        return []
    kinds: list[Callable[[User, str], ResultGroup]] = [_scenarios, _people, _conversations, _procedures]
    return [group for kind in kinds if (group := kind(user, words)).results]


def _scenarios(user: User, words: str) -> ResultGroup:
    """Find scenarios to edit or read, or, for counselors, scenarios to practice."""
    may_read = user.has_perm("scenarios.view_scenario")
    rows = Scenario.objects.for_user(user).library() if may_read else Scenario.objects.playable_by(user)
    found = rows.filter(Q(title__icontains=words) | Q(description__icontains=words)).select_related("category")
    page = reverse("scenarios:scenario_list" if may_read else "training:scenario_library")
    results = []
    for row in found.order_by("title")[: MAX_RESULTS + 1]:
        detail = " · ".join(filter(None, [row.get_mode_display(), str(row.category or "")]))
        results.append(SearchResult(row.title, detail, _scenario_url(row, may_read)))
    return _group("scenarios", _("Scenarios"), "library", results, f"{page}?{urlencode({'q': words})}")


def _scenario_url(scenario: Scenario, may_read: bool) -> str:
    if may_read:
        return reverse("scenarios:scenario_detail", args=[scenario.pk])
    name = "voice_free" if scenario.mode == "phone" else "chat_free"
    return f"{reverse(f'training:{name}')}?scenario={scenario.pk}"


def _people(user: User, words: str) -> ResultGroup:
    """Find people. A counselor's result leads to their conversations, anybody else's to their settings."""
    if not user.has_perm("accounts.view_user"):
        return _group("people", "", "", [])
    found = User.objects.for_user(user).exclude(role=User.Role.SERVICE).matching(words).by_name()
    results = [
        SearchResult(str(row), f"{row.get_role_display()} · {row.email}", url)
        for row in found[: MAX_RESULTS + 1]
        if (url := _person_url(user, row))
    ]
    return _group("people", _("People"), "users", results)


def _person_url(user: User, person: User) -> str:
    if person.is_counselor and user.reads_others_sessions:
        return f"{reverse('evaluation:history')}?{urlencode({'person': person.email})}"
    return reverse("accounts:person", args=[person.pk]) if user.has_perm("accounts.change_user") else ""


def _conversations(user: User, words: str) -> ResultGroup:
    rows = Session.objects.for_user(user).without_warm_ups().matching_for(user, words)
    found = rows.select_related("scenario_version", "counselor").order_by("-started_at")
    results = [
        SearchResult(row.title, _session_detail(user, row), reverse("evaluation:session", args=[row.pk]))
        for row in found[: MAX_RESULTS + 1]
    ]
    more_url = f"{reverse('evaluation:history')}?{urlencode({'q': words})}"
    return _group("conversations", _("Conversations"), "message-circle", results, more_url)


def _session_detail(user: User, session: Session) -> str:
    day = date_format(localtime(session.started_at), "M j, g:i A")
    return f"{session.counselor} · {day}" if user.reads_others_sessions else day


def _procedures(user: User, words: str) -> ResultGroup:
    """Find accounts by name or number, and sections of their documents in use by number, title, or text."""
    accounts = Account.objects.for_user(user).filter(Q(name__icontains=words) | Q(number__iexact=words))
    results = []
    for account in accounts.order_by("name")[:MAX_RESULTS]:
        detail = _("Account %(number)s") % {"number": account.number}
        results.append(SearchResult(account.name, detail, reverse("accounts:account_detail", args=[account.pk])))
    sections = ProcedureSection.objects.for_user(user).filter(document=F("document__account__procedures"))
    matching = sections.filter(Q(title__icontains=words) | Q(text__icontains=words) | Q(number=words))
    by_account = matching.select_related("document__account").order_by("document__account__name", "position")
    for row in by_account[:MAX_RESULTS]:
        url = reverse("accounts:procedure_section", args=[row.document.account_id, row.pk])
        detail = f"{row.document.account} · {_excerpt(row.text, words)}"
        results.append(SearchResult(f"{row.number} {row.title}".strip(), detail, url))
    return _group("procedures", _("Procedures"), "file-text", results[:MAX_RESULTS])


def _excerpt(text: str, words: str) -> str:
    """Return the part of a text around the words, on one line."""
    flat = " ".join(text.split())
    start = max(0, flat.lower().find(words.lower()) - _EXCERPT_BEFORE)
    part = flat[start : start + _EXCERPT_LENGTH]
    return f"{'…' if start else ''}{part}{'…' if start + _EXCERPT_LENGTH < len(flat) else ''}"


def _group(key: str, title: str, icon: str, results: Iterable[SearchResult], more_url: str = "") -> ResultGroup:
    """Return a group of at most `MAX_RESULTS`. The link to more is kept only if there are more."""
    rows = list(results)
    return ResultGroup(key, title, icon, rows[:MAX_RESULTS], more_url if len(rows) > MAX_RESULTS else "")
