from typing import ClassVar

from django import forms
from django.http import QueryDict

from accounts.admin import ScopedForm
from evaluation.documents import KINDS, DocumentRefused, read_documentation
from evaluation.flags import REPORTS
from evaluation.models import NEW_VERDICTS, Comment, CriterionResult, Guidelines, Handling, Review
from evaluation.talk import ms_of
from training.models import Session


class CommentForm(forms.ModelForm):
    """A remark of a supervisor's at a moment of the recording."""

    at = forms.CharField(
        label="At (minutes:seconds)",
        max_length=12,
        widget=forms.TextInput(attrs={"placeholder": "0:00", "autocomplete": "off"}),
    )

    class Meta:
        model = Comment
        fields = ["text"]
        labels = {"text": "Comment"}
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    field_order = ["at", "text"]

    def __init__(self, *args: object, longest_ms: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.longest_ms = longest_ms

    def clean_at(self) -> int:
        ms = ms_of(self.cleaned_data["at"])
        if ms is None:
            raise forms.ValidationError("Write the moment as minutes and seconds, such as 2:05.")
        if ms > self.longest_ms:
            raise forms.ValidationError("The recording is shorter than that.")
        return ms


class ReviewForm(forms.Form):
    """What a person makes of one criterion: agreed, or what it should be and why."""

    verdict = forms.ChoiceField(
        label="It should be",
        choices=[(Review.Verdict.AGREE.value, "as it is"), *NEW_VERDICTS],
    )
    reason = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), error_messages={"required": "Say why."}
    )

    def __init__(self, data: QueryDict | None = None, *, criterion: CriterionResult) -> None:
        super().__init__(data, auto_id=f"id_review_{criterion.pk}_%s")

    @property
    def new_verdict(self) -> str:
        """Empty where the person agrees."""
        chosen: str = self.cleaned_data["verdict"]
        return "" if chosen == Review.Verdict.AGREE else chosen


def first_problem(form: forms.Form) -> str:
    """The first thing that is wrong, for a form that is sent from the middle of another page."""
    return str(next(iter(form.errors.values()))[0])


class FeelingForm(forms.Form):
    """How a conversation was for its counselor."""

    feeling = forms.TypedChoiceField(
        label="How was it for you?",
        coerce=int,
        choices=[(number, Session(feeling=number).feeling_words) for number in range(1, 6)],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one of the five."},
    )
    note = forms.CharField(
        label="Anything to add?", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )


class NameForm(forms.Form):
    name = forms.CharField(label="Your name for it", required=False, max_length=100)


class ReportForm(forms.Form):
    """A problem with a conversation or its feedback."""

    kind = forms.ChoiceField(label="What is it?", choices=list(REPORTS.items()), widget=forms.RadioSelect)
    text = forms.CharField(
        label="What happened?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what happened, in up to 1,000 characters."},
    )


class DisputeForm(forms.Form):
    reason = forms.CharField(
        label="Why do you see it otherwise?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why you see it otherwise."},
    )

    def __init__(self, data: QueryDict | None = None, *, criterion: CriterionResult | None = None) -> None:
        super().__init__(data, auto_id=f"id_dispute_{criterion.pk if criterion else ''}_%s")


class HandlingForm(forms.Form):
    """What a supervisor makes of a flag."""

    handling = forms.ChoiceField(choices=Handling.choices)
    note = forms.CharField(label="Note", required=False, max_length=1000)


class DocumentationForm(forms.Form):
    document = forms.FileField(
        label="Your documentation",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(KINDS))}),
        help_text="PDF, DOCX, TXT or MD, up to 10 MB and 30,000 characters.",
    )


class GuidelinesForm(ScopedForm):
    """How an organization wants conversations documented; its text is what is kept."""

    file = forms.FileField(
        label="Guidelines",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(KINDS))}),
        help_text="PDF, DOCX, TXT or MD, up to 10 MB and 30,000 characters. The newest upload counts.",
    )

    class Meta:
        model = Guidelines
        fields: ClassVar[list[str]] = []

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        try:
            self.instance.text = read_documentation(file)
        except DocumentRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
        self.instance.filename = (file.name or "")[-200:]
        return file
