"""Forms that filter lists of people, sessions, feedback, and flags."""

from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import F
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Cohort, User, UserQuerySet
from evaluation.grading.scoring import GRADE_THRESHOLDS
from evaluation.models import (
    EvaluationQuerySet,
    FlagHandling,
    FlagQuerySet,
)
from evaluation.models.flag_kinds import FlagSeverity
from evaluation.models.weekly_tallies import TallyQuerySet
from evaluation.reports.attention import people_in_need
from evaluation.reports.team_people import not_yet_started
from scenarios.models import Mode, ScenarioVersion
from training.models import EndReason, SessionQuerySet


def with_default(data: QueryDict, name: str, value: str) -> QueryDict:
    """Return a copy of `data` with `value` for `name` if it is missing or empty."""
    filled = data.copy()
    filled[name] = filled.get(name) or value
    return filled


class TeamFilterForm(forms.Form):
    """A filter for a team by name, cohort, state, and time span. Invalid values are ignored."""

    DEFAULT_WEEKS = 12
    IN_NEED, NOT_STARTED = "need", "new"

    q = forms.CharField(label=_("Name"), required=False, max_length=100)
    cohort = forms.ModelChoiceField(
        Cohort.objects.none(), label=_("Cohort"), required=False, empty_label=_("All cohorts")
    )
    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("", _("Everyone")), (IN_NEED, _("Need you")), (NOT_STARTED, _("Not yet started"))],
    )
    span = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=[
            ("4", _("Last 4 weeks")),
            ("12", _("Last 12 weeks")),
            ("26", _("Last 6 months")),
            ("52", _("Last 12 months")),
        ],
        initial=str(DEFAULT_WEEKS),
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(with_default(data, "span", str(self.DEFAULT_WEEKS)))
        self.user = user
        self.fields["cohort"].queryset = Cohort.objects.for_user(user)  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def weeks(self) -> int:
        return int(self.cleaned_data.get("span") or self.DEFAULT_WEEKS)

    @property
    def is_filtered(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("q", "cohort", "show"))

    def counselors(self) -> UserQuerySet:
        people: UserQuerySet = User.objects.for_user(self.user).counselors()
        if cohort := self.cleaned_data.get("cohort"):
            people = people.filter(cohorts=cohort)
        if self.cleaned_data.get("show") == self.IN_NEED:
            people = people.filter(pk__in=people_in_need(self.user).order_by().values("pk"))
        if self.cleaned_data.get("show") == self.NOT_STARTED:
            people = not_yet_started(people)
        return people.matching(self.cleaned_data["q"]) if self.cleaned_data.get("q") else people

    def filter_tallies(self, rows: TallyQuerySet) -> TallyQuerySet:
        return rows.filter(counselor__in=self.counselors()) if self.is_filtered else rows


class HistoryFilterForm(forms.Form):
    """Filters for the practice history. Invalid ones are ignored."""

    KINDS: ClassVar = [("assignment", _("Assigned")), ("free_practice", _("Free practice"))]
    RESULTS: ClassVar = [("graded", _("With a grade")), ("stopped", _("Stopped"))]

    q = forms.CharField(required=False, max_length=100)
    mode = forms.ChoiceField(required=False, choices=Mode.choices)
    kind = forms.ChoiceField(required=False, choices=KINDS)
    result = forms.ChoiceField(required=False, choices=RESULTS)

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.user = user
        self.fields["q"].label = _("Title or counselor") if user.reads_others_sessions else _("Words, title, or name")
        self.is_valid()

    @property
    def is_filtered(self) -> bool:
        return any(self.cleaned_data.values())

    def filter_rows(self, rows: SessionQuerySet) -> SessionQuerySet:
        chosen = self.cleaned_data
        rows = rows.filter(**{name: chosen[name] for name in ("mode", "kind") if chosen.get(name)})
        if chosen.get("result") == "graded":
            rows = rows.filter(score__isnull=False)
        elif chosen.get("result") == "stopped":
            rows = rows.stopped()
        return rows.matching_for(self.user, chosen["q"]) if chosen.get("q") else rows


class ProgressSpanForm(forms.Form):
    """The time that a progress page covers. Anything else than its choices shows the longest."""

    SPANS: ClassVar = [("4", _("4 weeks")), ("12", _("12 weeks")), ("26", _("6 months"))]

    weeks_shown = forms.ChoiceField(required=False, choices=SPANS)

    def __init__(self, data: QueryDict) -> None:
        super().__init__({"weeks_shown": data.get("weeks")})
        self.is_valid()

    @property
    def chosen(self) -> str:
        return self.cleaned_data.get("weeks_shown") or self.SPANS[-1][0]

    @property
    def weeks(self) -> int:
        return int(self.chosen)


class SessionTableForm(forms.Form):
    """A filter for the staff's table of conversations. An invalid value is ignored; the others still apply."""

    ORDERS: ClassVar[dict[str, str | OrderBy]] = {
        "-started": "-started_at",
        "started": "started_at",
        "score": F("score").asc(nulls_last=True),
        "-score": F("score").desc(nulls_last=True),
    }

    q = forms.CharField(label=_("Title or counselor"), required=False, max_length=100)
    person = forms.CharField(label=_("Counselor"), required=False, max_length=100)
    scenario = forms.CharField(label=_("Scenario"), required=False, max_length=200)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            ("live", _("Live now")),
            ("graded", _("Graded")),
            ("review", _("To review")),
            ("ungraded", _("No grade")),
            ("stopped", _("Stopped")),
        ],
    )
    mode = forms.ChoiceField(required=False, label=_("Mode"), choices=[("", _("Calls and chats")), *Mode.choices])
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("All kinds")), ("assignment", _("Assignments")), ("free_practice", _("Free practice"))],
    )
    to = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    sort = forms.ChoiceField(required=False, choices=[(name, name) for name in ORDERS], widget=forms.HiddenInput)

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.user = user
        # `from` is a keyword of Python, so it cannot be declared in the class.
        start = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
        self.fields = {"from": start} | self.fields
        for name, options in (("person", "people"), ("scenario", "titles")):
            self.fields[name].widget.attrs |= {"list": options, "type": "text", "autocomplete": "off"}
        self.is_valid()

    @property
    def has_more(self) -> bool:
        """Return whether one of the fields that are folded away is in use."""
        return any(self.data.get(name) for name in ("from", "to", "mode", "kind"))

    def filter_rows(self, rows: SessionQuerySet) -> SessionQuerySet:
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        rows = rows.filter(**{name: chosen[name] for name in ("mode", "kind") if name in chosen})
        if "from" in chosen:
            rows = rows.filter(started_at__gte=_midnight(chosen["from"]))
        if "to" in chosen:
            rows = rows.filter(started_at__lt=_midnight(chosen["to"] + timedelta(days=1)))
        if "scenario" in chosen:
            versions = ScenarioVersion.objects.filter(organization_id=self.user.organization_id)
            rows = rows.filter(scenario_version__in=versions.filter(title__icontains=chosen["scenario"]))
        if "person" in chosen:
            rows = rows.filter(counselor__in=self._people(chosen["person"]))
        if "q" in chosen:
            rows = rows.matching_for(self.user, chosen["q"])
        return _in_session_state(rows, chosen.get("status", "")).order_by(
            self.ORDERS[chosen.get("sort", "-started")], "-started_at", "-pk"
        )

    def _people(self, text: str) -> UserQuerySet:
        people = User.objects.filter(organization_id=self.user.organization_id)
        return people.matching(text, with_email=self.user.has_perm("accounts.view_user"))


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _in_session_state(rows: SessionQuerySet, state: str) -> SessionQuerySet:
    """Limit to a choice of the filter by status."""
    if state == "live":
        return rows.live()
    if state == "graded":
        return rows.filter(score__isnull=False)
    if state == "review":
        return rows.filter(evaluations__is_waiting=True)
    if state == "ungraded":
        without = rows.filter(score=None, ended_at__isnull=False).exclude(end_reason=EndReason.STOPPED)
        return without.exclude(evaluations__is_waiting=True)
    return rows.stopped() if state == "stopped" else rows


class EvaluationFilterForm(forms.Form):
    """A filter for graded feedback."""

    q = forms.CharField(label=_("Counselor"), required=False, max_length=100)
    grade = forms.ChoiceField(
        label=_("Grade"),
        required=False,
        choices=[("", _("All grades")), *((letter, letter) for lowest, letter in GRADE_THRESHOLDS)],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            ("waiting", _("Needs human review")),
            ("disputed", _("Disputed")),
            ("unreviewed", _("Not reviewed")),
            ("reviewed", _("Reviewed")),
        ],
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.user = user

    def filter_rows(self, rows: EvaluationQuerySet) -> EvaluationQuerySet:
        if not self.is_valid():
            return rows
        chosen = self.cleaned_data
        if chosen["q"]:
            people = User.objects.filter(organization_id=self.user.organization_id)
            matching = people.matching(chosen["q"], with_email=self.user.has_perm("accounts.view_user"))
            rows = rows.filter(session__counselor__in=matching)
        if chosen["grade"]:
            rows = rows.with_grade(chosen["grade"])
        return rows.in_review_state(chosen["state"])


class FlagFilterForm(forms.Form):
    """A filter for flags. It shows pending flags by default."""

    handling = forms.ChoiceField(label=_("Status"), required=False, choices=[*FlagHandling.choices, ("all", _("All"))])
    severity = forms.ChoiceField(
        label=_("Severity"), required=False, choices=[("", _("All severities")), *FlagSeverity.choices]
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(with_default(data, "handling", FlagHandling.PENDING.value))

    def filter_rows(self, rows: FlagQuerySet) -> FlagQuerySet:
        if not self.is_valid():
            return rows.pending().most_severe_first()
        if self.cleaned_data["severity"]:
            rows = rows.filter(severity=self.cleaned_data["severity"])
        handling = self.cleaned_data["handling"]
        if handling == FlagHandling.PENDING:
            return rows.pending().most_severe_first()
        return (rows if handling == "all" else rows.filter(handling=handling)).order_by("-created_at", "-pk")


class SearchForm(forms.Form):
    """Words to search for everywhere."""

    q = forms.CharField(required=False, max_length=100)
