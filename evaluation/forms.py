"""Forms for the evaluation pages and the admin, and filters for lists."""

from typing import ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantForm
from accounts.models import User
from accounts.procedures.reading_limits import GUIDELINES
from accounts.services.rate_limits import RateLimitExceededError, UsageKind, spend
from accounts.web.visible_text import clean_filename
from evaluation.files.text_extraction import FILE_EXTENSIONS, DocumentRejectedError, extract_document_text
from evaluation.models import (
    REVIEW_VERDICTS,
    Comment,
    CriterionResult,
    Evaluation,
    Flag,
    FlagHandling,
    Guidelines,
    Review,
)
from evaluation.models.flag_kinds import ProblemReportKind
from evaluation.reports.talk_time import parse_timecode
from training.models import Session


class CommentForm(forms.ModelForm):
    """A supervisor's comment on a point in the recording, or on the whole conversation."""

    at = forms.CharField(
        label=_("Time (minutes:seconds)"),
        required=False,
        max_length=12,
        help_text=_("Leave it empty to comment on the whole conversation."),
        widget=forms.TextInput(attrs={"placeholder": "0:00", "autocomplete": "off"}),
    )

    class Meta:
        model = Comment
        fields = ["text"]
        labels = {"text": _("Comment")}
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    field_order = ["at", "text"]

    def __init__(self, *args: object, duration_ms: int | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.duration_ms = duration_ms  # None without a recording to comment on

    def clean_at(self) -> int | None:
        if not self.cleaned_data["at"].strip():
            return None
        ms = parse_timecode(self.cleaned_data["at"])
        if self.duration_ms is None:
            raise forms.ValidationError(_("There is no recording to comment on. Leave the time empty."))
        if ms is None:
            raise forms.ValidationError(_("Enter a time in minutes and seconds, such as 2:05."))
        if ms > self.duration_ms:
            raise forms.ValidationError(_("The recording is shorter than that."))
        return ms


class ReviewForm(forms.Form):
    """A person's review of one criterion: agreement, or a new verdict with a reason."""

    verdict = forms.ChoiceField(
        label=_("Your verdict"),
        choices=[(Review.Verdict.AGREE.value, _("I agree")), *REVIEW_VERDICTS],
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: QueryDict | None = None, *, criterion: CriterionResult) -> None:
        super().__init__(data, auto_id=f"id_review_{criterion.pk}_%s")
        self._verdict = criterion.verdict

    def clean(self) -> None:
        """Require a reason for a verdict other than the evaluator's."""
        if self.new_verdict not in {"", self._verdict} and not self.cleaned_data.get("reason", "").strip():
            self.add_error("reason", _("Enter a reason."))

    @property
    def new_verdict(self) -> str:
        """The new verdict, or an empty string if the person agrees."""
        chosen: str = self.cleaned_data.get("verdict", "")
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


class FlagsHandlingForm(FlagHandlingForm):
    """The same handling of several flags."""

    flags = forms.ModelMultipleChoiceField(
        Flag.objects.none(), to_field_name="public_id", error_messages={"required": _("Choose at least one flag.")}
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["flags"].queryset = Flag.objects.for_user(user)  # type: ignore[attr-defined]


class LookedAtForm(forms.Form):
    """Feedback to mark as reviewed."""

    evaluations = forms.ModelMultipleChoiceField(
        Evaluation.objects.none(), error_messages={"required": _("Choose at least one conversation.")}
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        rows = Evaluation.objects.reviewable_by(user).select_related("session")
        self.fields["evaluations"].queryset = rows  # type: ignore[attr-defined]


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
