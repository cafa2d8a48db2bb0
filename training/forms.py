from typing import Any

from django import forms

from accounts.models import User


class AssignForm(forms.Form):
    """Who is given the chosen scenarios, and until when."""

    counselors = forms.ModelMultipleChoiceField(User.objects.none(), widget=forms.CheckboxSelectMultiple)
    due_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    notes = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    require_recording = forms.BooleanField(required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counselors = User.objects.for_user(user).filter(role=User.Role.COUNSELOR, is_active=True)
        self.fields["counselors"].queryset = counselors  # type: ignore[attr-defined]
