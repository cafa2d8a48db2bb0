from django import forms
from django.http import QueryDict

from evaluation.models import NEW_VERDICTS, Comment, CriterionResult, Review
from evaluation.talk import ms_of


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
