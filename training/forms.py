from typing import Any

from django import forms

from accounts.models import User
from training.services.one_time import check_due_date

MOST_ASSIGNED_AT_ONCE = 500  # pairs of a scenario and a counselor


class AssignForm(forms.Form):
    """Who is given the chosen scenarios, and until when."""

    counselors = forms.ModelMultipleChoiceField(User.objects.none(), widget=forms.CheckboxSelectMultiple)
    due_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    notes = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The counselor reads this. At most 1,000 characters.",
    )
    require_recording = forms.BooleanField(required=False)

    def __init__(self, user: User, *args: Any, scenarios: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenarios = scenarios
        counselors = User.objects.for_user(user).filter(role=User.Role.COUNSELOR, is_active=True)
        self.fields["counselors"].queryset = counselors  # type: ignore[attr-defined]

    def clean_counselors(self) -> Any:
        counselors = self.cleaned_data["counselors"]
        pairs = self.scenarios * len(counselors)
        if pairs > MOST_ASSIGNED_AT_ONCE:
            raise forms.ValidationError(
                f"{self.scenarios:,} scenarios for {len(counselors):,} counselors are {pairs:,} assignments; "
                f"at most {MOST_ASSIGNED_AT_ONCE} are given at once. Choose fewer."
            )
        return counselors

    def clean_due_date(self) -> Any:
        due_date = self.cleaned_data["due_date"]
        check_due_date(due_date)
        return due_date
