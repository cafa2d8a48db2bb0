from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin import ScopedForm
from scenarios.admin.checks_field import ChecksField
from scenarios.admin.survey_field import SurveyFormField
from scenarios.checks import proposed_checks
from scenarios.models import MAX_SKILLS, Mode, Scenario
from scenarios.services.contexts import CONTEXT_LIMIT, KINDS, read_context_file

# How many characters the texts of a scenario may have. (A title is one line, and browsers know its limit.)
LIMITS = {"evaluator_context": CONTEXT_LIMIT} | {
    field.name: validator.limit_value
    for field in Scenario._meta.concrete_fields
    for validator in field.validators
    if isinstance(validator, MaxLengthValidator) and field.get_internal_type() == "TextField"
}


class LinesField(forms.CharField):
    """Text as it was typed, with one character at a line's end: browsers send two, and saving must change nothing."""

    def __init__(self, **kwargs):
        super().__init__(**{"strip": False} | kwargs)

    def to_python(self, value):
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def widget_attrs(self, widget):
        """Without `maxlength`: a browser would cut a longer text that is pasted, and say nothing."""
        return {}


class AccountChoiceField(forms.ModelChoiceField):
    """Accounts with the procedures that their scenarios are graded by. The queryset is one `with_procedures`."""

    def label_from_instance(self, obj):
        document = obj.procedures
        if not document:
            return f"{obj}: procedures being prepared" if obj.is_preparing else f"{obj}: no procedures uploaded"
        return f"{obj}: procedures {document.filename}, {timezone.localtime(document.uploaded_at):%Y-%m-%d}"


@dataclass
class ContextAtHand:
    """The evaluator context of one request: what stands in its file, and what becomes of it.

    A storage may be far away, so its file is read and written before the transaction that saves the row.
    """

    scenario_id: UUID = field(default_factory=uuid4)
    text: str = ""
    failure: str = ""
    new_key: str | None = None  # None: the file stays as it is
    is_saved: bool = False


class ScenarioForm(ScopedForm):
    at_hand: ContextAtHand

    evaluator_context = LinesField(
        required=False,
        max_length=CONTEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 12, "cols": 80, "class": "vLargeTextField"}),
        help_text="What you want assessed. Each point of a list becomes a check. The caller never sees it.",
    )
    context_file = forms.FileField(
        required=False,
        label="Or a text file",
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(KINDS))}),
        help_text="A .txt or .md file in UTF-8, up to 1 MB. Change the text above or choose a file, not both.",
    )

    checks = ChecksField(
        required=False,
        help_text="Proposed from what you wrote above, each time you save, until you change them here. Empty a line to "
        "leave a check out. A conversation is graded by the checks of the moment it began.",
    )

    visitor_survey = SurveyFormField(
        required=False,
        label="Visitor’s survey",
        help_text="For a chat: what the visitor filled in before it, if anything. The counselor reads it; the caller "
        "knows it.",
    )

    class Meta:
        model = Scenario
        fields = [
            "title",
            "description",
            "content_notes",
            "visitor_survey",
            "mode",
            "category",
            "difficulty",
            "estimated_minutes",
            "skills",
            "prompt",
            "opens",
            "patience",
            "account",
            "relevant_policy_sections",
            "is_active",
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["evaluator_context"].initial = self.at_hand.text
        self.fields["checks"].initial = self.instance.checks or proposed_checks(self.at_hand.text)
        if self.instance._state.adding:
            # Known before it is saved: its file lies in a folder of this name.
            self.instance.pk = self.at_hand.scenario_id
        for name, limit in LIMITS.items():
            if name in self.fields:
                text = self.fields[name]
                text.widget.attrs["data-limit"] = limit
                counter = format_html('<span class="counter">At most {} characters.</span>', f"{limit:,}")
                text.help_text = format_html("{} {}", text.help_text, counter)

    def clean_visitor_survey(self):
        survey = self.cleaned_data["visitor_survey"]
        if survey is None:
            return self.instance.visitor_survey
        if survey and self.cleaned_data.get("mode") == Mode.PHONE:
            raise forms.ValidationError("Only the visitor of a chat fills in a survey; this is a phone scenario.")
        return survey

    def clean_skills(self):
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS:
            raise forms.ValidationError(f"At most {MAX_SKILLS} skills; you chose {len(skills)}.")
        return skills

    def clean_context_file(self):
        """The text of the file, or None without one."""
        file = self.cleaned_data["context_file"]
        if not file:
            return None
        file.seek(0)
        return read_context_file(file)

    def clean(self):
        super().clean()
        if self.at_hand.failure:
            self.add_error("evaluator_context", self.at_hand.failure)
        uploaded = self.cleaned_data.get("context_file")
        if uploaded is not None:
            self._take(uploaded)
        self._settle_checks()
        return self.cleaned_data

    def _settle_checks(self):
        """What was proposed and left as it is, is proposed anew from the new text; what was edited stays."""
        sent, written = self.cleaned_data.get("checks"), self.cleaned_data.get("evaluator_context", "")
        if sent is None:
            self.cleaned_data["checks"] = self.instance.checks
        elif sent in (proposed_checks(self.at_hand.text), proposed_checks(written)):
            self.cleaned_data["checks"] = []

    def _take(self, uploaded):
        """Let the file's text be the context, unless another text was typed beside it."""
        typed = (self.data.get(self.add_prefix("evaluator_context")) or "").replace("\r\n", "\n").strip()
        if typed not in {"", self.at_hand.text.strip(), uploaded.strip()}:
            self.add_error(
                "context_file",
                "You changed the text above and chose a file that says something else. Which one counts? "
                "Save without a file, or empty the text and choose the file again.",
            )
            return
        self.cleaned_data["evaluator_context"] = uploaded
        # Browsers do not send a file twice: shown again with an error elsewhere, the form still has its text.
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix("evaluator_context")] = uploaded  # type: ignore[index]
