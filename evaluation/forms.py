"""Forms for the evaluation pages and the admin, and filters for lists."""

from typing import ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantForm
from accounts.models import Cohort, User, UserQuerySet
from accounts.procedures.reading_limits import GUIDELINES
from accounts.services.rate_limits import RateLimitExceededError, UsageKind, spend
from accounts.web.visible_text import clean_filename
from evaluation.files.text_extraction import FILE_EXTENSIONS, DocumentRejectedError, extract_document_text
from evaluation.grading.scoring import GRADE_THRESHOLDS
from evaluation.models import (
    REVIEW_VERDICTS,
    Comment,
    CriterionResult,
    EvaluationQuerySet,
    FlagHandling,
    FlagQuerySet,
    Guidelines,
    Review,
)
from evaluation.models.flag_kinds import FlagSeverity, ProblemReportKind
from evaluation.models.weekly_tallies import TallyQuerySet
from evaluation.reports.talk_time import parse_timecode
from scenarios.models import Mode
from training.models import Session, SessionQuerySet


class CommentForm(forms.ModelForm):
    """A supervisor's comment on a point in the recording."""

    at = forms.CharField(
        label=_("Time (minutes:seconds)"),
        max_length=12,
        widget=forms.TextInput(attrs={"placeholder": "0:00", "autocomplete": "off"}),
    )

    class Meta:
        model = Comment
        fields = ["text"]
        labels = {"text": _("Comment")}
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    field_order = ["at", "text"]

    def __init__(self, *args: object, duration_ms: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.duration_ms = duration_ms

    def clean_at(self) -> int:
        ms = parse_timecode(self.cleaned_data["at"])
        if ms is None:
            raise forms.ValidationError(_("Enter a time in minutes and seconds, such as 2:05."))
        if ms > self.duration_ms:
            raise forms.ValidationError(_("The recording is shorter than that."))
        return ms


class ReviewForm(forms.Form):
    """A person's review of one criterion: agreement or a new verdict, with a reason."""

    verdict = forms.ChoiceField(
        label=_("Your verdict"),
        choices=[(Review.Verdict.AGREE.value, _("I agree")), *REVIEW_VERDICTS],
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Enter a reason.")},
    )

    def __init__(self, data: QueryDict | None = None, *, criterion: CriterionResult) -> None:
        super().__init__(data, auto_id=f"id_review_{criterion.pk}_%s")

    @property
    def new_verdict(self) -> str:
        """The new verdict, or an empty string if the person agrees."""
        chosen: str = self.cleaned_data["verdict"]
        return "" if chosen == Review.Verdict.AGREE else chosen


def first_error(form: forms.Form) -> str:
    """Return the form's first error, for a form that is part of another page."""
    return str(next(iter(form.errors.values()))[0])


def _feeling_choices() -> list[tuple[int, str]]:
    return [(number, Session(feeling=number).feeling_words) for number in range(1, 6)]


class SessionFeelingForm(forms.Form):
    """A counselor's rating of how a conversation felt."""

    feeling = forms.TypedChoiceField(
        label=_("How was it for you?"),
        coerce=int,
        choices=_feeling_choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose an answer.")},
    )
    note = forms.CharField(
        label=_("Anything to add?"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )


class SessionNameForm(forms.Form):
    name = forms.CharField(label=_("Name"), required=False, max_length=100)


class ProblemReportForm(forms.Form):
    """A report of a problem with a conversation or its feedback."""

    kind = forms.ChoiceField(
        label=_("What is the problem?"), choices=ProblemReportKind.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=_("What happened?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Describe what happened in up to 1,000 characters.")},
    )


class DisputeForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you disagree?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Enter a reason.")},
    )

    def __init__(self, data: QueryDict | None = None, *, criterion: CriterionResult | None = None) -> None:
        super().__init__(data, auto_id=f"id_dispute_{criterion.pk if criterion else ''}_%s")


class FlagHandlingForm(forms.Form):
    """A supervisor's handling of a flag."""

    handling = forms.ChoiceField(choices=FlagHandling.choices)
    note = forms.CharField(label=_("Note"), required=False, max_length=1000)


def with_default(data: QueryDict, name: str, value: str) -> QueryDict:
    """Return a copy of `data` with `value` for `name` if it is missing or empty."""
    filled = data.copy()
    filled[name] = filled.get(name) or value
    return filled


class TeamFilterForm(forms.Form):
    """A filter for a team by name, cohort, and time span. Invalid values are ignored."""

    DEFAULT_WEEKS = 12

    q = forms.CharField(label=_("Name"), required=False, max_length=100)
    cohort = forms.ModelChoiceField(Cohort.objects.none(), label=_("Cohort"), required=False, empty_label=_("Everyone"))
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
        return bool(self.cleaned_data.get("q") or self.cleaned_data.get("cohort"))

    def counselors(self) -> UserQuerySet:
        people: UserQuerySet = User.objects.for_user(self.user).counselors()
        if cohort := self.cleaned_data.get("cohort"):
            people = people.filter(cohorts=cohort)
        return people.matching(self.cleaned_data["q"]) if self.cleaned_data.get("q") else people

    def filter_tallies(self, rows: TallyQuerySet) -> TallyQuerySet:
        return rows.filter(counselor__in=self.counselors()) if self.is_filtered else rows


class HistoryFilterForm(forms.Form):
    """A filter for the practice history."""

    q = forms.CharField(required=False, max_length=100)
    mode = forms.ChoiceField(required=False, label=_("Mode"), choices=[("", _("Calls and chats")), *Mode.choices])
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("All kinds")), ("assignment", _("Assignments")), ("free_practice", _("Free practice"))],
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.user = user
        self.fields["q"].label = _("Title or counselor") if user.reads_others_sessions else _("Words, title, or name")

    def filter_rows(self, rows: SessionQuerySet) -> SessionQuerySet:
        if not self.is_valid():
            return rows
        chosen = self.cleaned_data
        narrowed = {name: chosen[name] for name in ("mode", "kind") if chosen[name]}
        rows = rows.filter(**narrowed)
        return rows.matching_for(self.user, chosen["q"]) if chosen["q"] else rows


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
            rows = rows.filter(session__counselor__in=people.matching(chosen["q"]))
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


class DocumentationForm(forms.Form):
    document = forms.FileField(
        label=_("Your documentation"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(FILE_EXTENSIONS))}),
        help_text=_("PDF, DOCX, TXT, or MD, up to 10 MB, 100 pages, and 30,000 characters."),
    )


class GuidelinesForm(TenantForm):
    """An upload of an organization's documentation guidelines. Only its text and name are kept."""

    file = forms.FileField(
        label=_("Guidelines"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(FILE_EXTENSIONS))}),
        help_text=_(
            "PDF, DOCX, TXT, or MD, up to 20 MB, 300 pages, and 300,000 characters. The newest upload applies."
        ),
    )

    uploader: ClassVar[User]  # set by the administration for each request

    class Meta:
        model = Guidelines
        fields: ClassVar[list[str]] = []

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        try:
            spend(UsageKind.UPLOADS, self.uploader)
            extracted = extract_document_text(file, GUIDELINES)
        except (DocumentRejectedError, RateLimitExceededError) as error:
            raise forms.ValidationError(str(error)) from error
        self.instance.text, self.instance.unread = extracted.text, extracted.unread
        self.instance.filename = clean_filename(file.name or "", 200)
        return file
