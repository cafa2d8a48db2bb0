"""Forms for assignments, the scenario library, and chats."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Cohort, User
from accounts.services.features import FeatureOffError
from scenarios.models import Category, Difficulty, Mode, Scenario, ScenarioQuerySet
from training.models import Assignment, AssignmentTerms, mentions, pick_terms
from training.services.assignments import MAX_PAIRS_PER_REQUEST, check_modes, check_pair_count, default_terms
from training.services.one_time_scenarios import check_due_date

MAX_ASSIGNED_AT_ONCE = MAX_PAIRS_PER_REQUEST
MAX_MESSAGE_CHARACTERS = 10_000  # per message


class AssignmentTermsForm(forms.Form):
    """Due date, pass mark, and other terms of an assignment. They begin with the defaults of the author's center."""

    due_date = forms.DateField(required=False, label=_("Due date"), widget=forms.DateInput(attrs={"type": "date"}))
    notes = forms.CharField(
        required=False,
        label=_("Notes"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The counselor sees these notes. Up to 1,000 characters."),
    )
    require_recording = forms.BooleanField(required=False, label=_("Require a recording"))
    pass_mark = forms.IntegerField(
        required=False,
        label=_("Pass mark"),
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Score from 1 to 100 that completes the assignment. Leave blank to accept any score."),
    )
    attempts_allowed = forms.IntegerField(
        required=False,
        label=_("Attempts"),
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Graded attempts to reach the pass mark, from 1 to 20. Leave blank for no limit."),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = dict(default_terms(user.organization))
        super().__init__(*args, **kwargs)

    def clean_due_date(self) -> Any:
        due_date = self.cleaned_data["due_date"]
        check_due_date(due_date)
        return due_date

    @property
    def terms(self) -> AssignmentTerms:
        return pick_terms(self.cleaned_data)


class AssignScenarioForm(AssignmentTermsForm):
    """Counselors and terms for the chosen scenarios."""

    counselors = forms.ModelMultipleChoiceField(
        User.objects.none(), label=_("Counselors"), widget=forms.CheckboxSelectMultiple
    )
    force_reassign = forms.BooleanField(
        required=False, label=_("Assign again to counselors who already completed the scenario")
    )
    field_order = ["counselors"]

    def __init__(self, user: User, *args: Any, scenarios: int | None = None, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.scenarios = 1 if scenarios is None else scenarios
        if scenarios is None:
            # A new scenario cannot have been completed.
            del self.fields["force_reassign"]
        self.fields["counselors"].queryset = User.objects.for_user(user).counselors()  # type: ignore[attr-defined]

    def clean_counselors(self) -> Any:
        counselors = self.cleaned_data["counselors"]
        check_pair_count(self.scenarios, len(counselors))
        return counselors


class BulkAssignForm(AssignmentTermsForm):
    """Counselors, cohorts, and the scenarios to assign to each. Users search for choices, as there may be thousands."""

    counselors = forms.ModelMultipleChoiceField(User.objects.none(), required=False, label=_("Counselors"))
    cohorts = forms.ModelMultipleChoiceField(
        Cohort.objects.none(), required=False, label=_("Cohorts"), widget=forms.CheckboxSelectMultiple
    )
    scenarios = forms.ModelMultipleChoiceField(
        Scenario.objects.none(),
        label=_("Scenarios"),
        error_messages={"required": _("Choose at least one scenario.")},
    )
    force_reassign = forms.BooleanField(required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.user = user
        choices = {
            "counselors": User.objects.for_user(user).counselors(),
            "cohorts": Cohort.objects.for_user(user),
            "scenarios": Scenario.objects.for_user(user).filter(is_active=True),
        }
        for name, queryset in choices.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        super().clean()
        try:
            check_modes(self.cleaned_data.get("scenarios", []), self.user.organization)
        except FeatureOffError as error:
            self.add_error("scenarios", str(error))
        if {"counselors", "cohorts", "scenarios"} & self.errors.keys():
            return self.cleaned_data
        people = self.all_counselors()
        if not people:
            self.add_error("counselors", gettext("Choose at least one counselor, or a cohort that has counselors."))
        try:
            check_pair_count(len(self.cleaned_data["scenarios"]), len(people))
        except ValidationError as error:
            self.add_error(None, error)
        return self.cleaned_data

    def all_counselors(self) -> list[User]:
        """Return the chosen counselors and those of the chosen cohorts, each once."""
        chosen = {person.pk: person for person in self.cleaned_data["counselors"]}
        of_cohorts = User.objects.counselors().filter(cohorts__in=self.cleaned_data["cohorts"]).distinct()
        return list(({person.pk: person for person in of_cohorts} | chosen).values())


class AssignmentFilterForm(forms.Form):
    """Filters for an assignment list. Invalid input shows an error and the whole list."""

    OVERDUE, FAILED, DECLINED = "overdue", "failed", "declined"

    q = forms.CharField(required=False, label=_("Counselor or scenario"), max_length=100)
    status = forms.ChoiceField(
        required=False,
        label=_("Status"),
        choices=[
            ("", _("All")),
            ("open", _("Open")),
            (OVERDUE, _("Overdue")),
            (FAILED, _("Below the pass mark")),
            (DECLINED, _("Declined")),
            *Assignment.Status.choices,
        ],
    )
    cohort = forms.ModelChoiceField(
        Cohort.objects.none(), required=False, label=_("Cohort"), empty_label=_("All cohorts")
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cohort"].queryset = Cohort.objects.for_user(user)  # type: ignore[attr-defined]

    def narrow(self, rows: Any) -> Any:
        if not self.is_valid():
            return rows
        chosen = self.cleaned_data
        if chosen["q"]:
            rows = rows.matching(chosen["q"])
        if chosen["cohort"]:
            rows = rows.filter(counselor__cohorts=chosen["cohort"])
        return rows.in_state(chosen["status"]) if chosen["status"] else rows


class AssignmentChangeForm(forms.Form):
    """A change of the chosen assignments of a list."""

    DUE = "due"

    assignments = forms.ModelMultipleChoiceField(
        Assignment.objects.none(), error_messages={"required": _("Choose at least one assignment.")}
    )
    verb = forms.ChoiceField(choices=[("cancel", _("Cancel")), ("reset", _("Reset")), (DUE, _("Change due date"))])
    due_date = forms.DateField(required=False, label=_("New due date"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Assignment.objects.for_user(user)
        self.fields["assignments"].queryset = rows  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("verb") == self.DUE and not self.errors:
            if not self.cleaned_data["due_date"]:
                self.add_error("due_date", gettext("Choose the new due date."))
            else:
                check_due_date(self.cleaned_data["due_date"])
        return self.cleaned_data


class LibraryFilterForm(forms.Form):
    """Filters for the scenario library that counselors see. Invalid ones are ignored."""

    q = forms.CharField(required=False, max_length=100)
    mode = forms.ChoiceField(required=False, choices=Mode.choices)
    difficulty = forms.ChoiceField(required=False, choices=Difficulty.choices)
    category = forms.ModelChoiceField(Category.objects.none(), required=False)
    taken = forms.ChoiceField(required=False, choices=[("no", _("Not taken yet"))])

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["category"].queryset = Category.objects.for_user(user)  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def is_filtered(self) -> bool:
        return any(self.cleaned_data.values())

    def narrow(self, rows: ScenarioQuerySet) -> ScenarioQuerySet:
        """Limit scenarios that have their `attempts` to the chosen ones."""
        chosen = self.cleaned_data
        wanted = {name: chosen[name] for name in ("mode", "difficulty", "category") if chosen.get(name)}
        rows = rows.filter(**wanted, **({"attempts": 0} if chosen.get("taken") else {}))
        return rows.filter(mentions(chosen["q"])) if chosen.get("q") else rows


class StartChatForm(forms.Form):
    """Form that starts a chat on a page without JavaScript."""

    assignment = forms.UUIDField(required=False)
    scenario = forms.UUIDField(required=False)
    focus = forms.CharField(required=False, max_length=500)


class ChatMessageForm(forms.Form):
    message = forms.CharField(max_length=MAX_MESSAGE_CHARACTERS, error_messages={"required": _("Enter a message.")})
