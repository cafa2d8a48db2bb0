"""Form and form fields for editing scenarios, shared by our editor and the admin."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantForm
from scenarios.forms.checks_field import ChecksField
from scenarios.forms.survey_field import SurveyFormField
from scenarios.models import MAX_SKILLS_PER_SCENARIO, Mode, Scenario
from scenarios.models.scenario_checks import propose_checks
from scenarios.services.check_previews import preview_checks
from scenarios.services.evaluator_contexts import CONTEXT_FILE_SUFFIXES, CONTEXT_LIMIT, read_context_file
from scenarios.services.scenarios import too_many_skills_message

# Limits of a scenario's texts, in characters. The title is not included: it is a single line, and browsers enforce its
# limit.
TEXT_LIMITS = {"evaluator_context": CONTEXT_LIMIT} | {
    field.name: validator.limit_value
    for field in Scenario._meta.concrete_fields
    for validator in field.validators
    if isinstance(validator, MaxLengthValidator) and field.get_internal_type() == "TextField"
}


class MultilineTextField(forms.CharField):
    """Field for text with LF line endings. Browsers send CR LF, and saving unedited text must not change it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False} | kwargs)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Return no `maxlength`, because browsers silently cut off longer pasted text."""
        return {}


class AccountChoiceField(forms.ModelChoiceField):
    """Choice of an account, labeled with its procedures. The queryset needs `with_procedures`."""

    def label_from_instance(self, obj: Any) -> str:
        document = obj.procedures
        if not document:
            if obj.is_preparing:
                return gettext("%(account)s · procedures being prepared") % {"account": obj}
            return gettext("%(account)s · no current procedures") % {"account": obj}
        return gettext("%(account)s · procedures %(file)s, %(date)s") % {
            "account": obj,
            "file": document.filename,
            "date": f"{timezone.localtime(document.uploaded_at):%Y-%m-%d}",
        }


@dataclass
class PendingContext:
    """The evaluator context during one request: its stored text and pending changes.

    The storage may be slow, so the file is read and written before the transaction that saves the row.
    """

    scenario_id: UUID = field(default_factory=uuid4)
    text: str = ""  # the stored text
    failure: str = ""  # error message to show
    new_key: str | None = None  # key of the newly written file; None if the file stays unchanged
    is_saved: bool = False  # the row points to the new file


class ScenarioForm(TenantForm):
    pending_context: PendingContext

    evaluator_context = MultilineTextField(
        required=False,
        label=_("Evaluator context"),
        max_length=CONTEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 12, "cols": 80, "class": "vLargeTextField"}),
        help_text=_(
            "What to assess. Headings such as “What the counselor should do” and “About the caller” separate what to "
            "check from background facts. Each point for the counselor becomes a check, and nested items refine the "
            "point above them. The caller never sees this."
        ),
    )
    context_file = forms.FileField(
        required=False,
        label=_("Or a text file"),
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(CONTEXT_FILE_SUFFIXES))}),
        help_text=_("A .txt or .md file in UTF-8, up to 1 MB. Either edit the text above or choose a file, not both."),
    )

    checks = ChecksField(
        required=False,
        label=_("Checks"),
        help_text=_(
            "Every time you save, checks are proposed from the text above until you edit them here. Clear a line to "
            "remove its check. Conversations are graded by the checks that existed when they started."
        ),
    )

    visitor_survey = SurveyFormField(
        required=False,
        label=_("Visitor’s survey"),
        help_text=_(
            "What the visitor filled in before the chat, if anything. The counselor and the caller can both read it."
        ),
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evaluator_context"].initial = self.pending_context.text
        preview = preview_checks(self.instance.checks, self.pending_context.text)
        # The row's empty list is already in `initial`, which takes precedence over the field's own initial value.
        self.initial["checks"] = preview.checks
        self.fields["checks"].widget.preview = None if self.is_bound else preview
        if self.instance._state.adding:
            # Needed before saving, because the context file is stored in a folder with this name.
            self.instance.pk = self.pending_context.scenario_id
        for name, limit in TEXT_LIMITS.items():
            if name in self.fields:
                field = self.fields[name]
                field.widget.attrs["data-limit"] = limit
                limit_text = gettext("At most %(most)s characters.") % {"most": f"{limit:,}"}
                counter = format_html('<span class="counter">{}</span>', limit_text)
                field.help_text = format_html("{} {}", field.help_text, counter)

    def clean_visitor_survey(self) -> Any:
        survey = self.cleaned_data["visitor_survey"]
        if survey is None:
            return self.instance.visitor_survey
        if survey and self.cleaned_data.get("mode") == Mode.PHONE:
            raise forms.ValidationError(gettext("Only chat visitors fill in a survey. This is a phone scenario."))
        return survey

    def clean_skills(self) -> Any:
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            raise forms.ValidationError(too_many_skills_message(len(skills)))
        return skills

    def clean_context_file(self) -> str | None:
        """Return the text of the uploaded file, or None if there is none."""
        file = self.cleaned_data["context_file"]
        if not file:
            return None
        file.seek(0)
        return read_context_file(file)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.pending_context.failure:
            self.add_error("evaluator_context", self.pending_context.failure)
        uploaded = self.cleaned_data.get("context_file")
        if uploaded is not None:
            self._use_uploaded_context(uploaded)
        self._resolve_checks()
        return self.cleaned_data

    def _resolve_checks(self) -> None:
        """Propose checks from the new text if the proposed ones were left unedited. Keep edited checks."""
        submitted, new_text = self.cleaned_data.get("checks"), self.cleaned_data.get("evaluator_context", "")
        if submitted is None:
            self.cleaned_data["checks"] = self.instance.checks
        elif submitted in [
            ChecksField.as_submitted(propose_checks(text)) for text in (self.pending_context.text, new_text)
        ]:
            self.cleaned_data["checks"] = []

    def _use_uploaded_context(self, uploaded: str) -> None:
        """Use the file's text as the context, or add an error if a different text was also typed."""
        typed = (self.data.get(self.add_prefix("evaluator_context")) or "").replace("\r\n", "\n").strip()
        if typed not in {"", self.pending_context.text.strip(), uploaded.strip()}:
            self.add_error(
                "context_file",
                gettext(
                    "The file and the text above differ. Either save without a file, or clear the text and choose the "
                    "file again."
                ),
            )
            return
        self.cleaned_data["evaluator_context"] = uploaded
        # Browsers do not resubmit files, so the text is kept in the form in case it is shown again with an error.
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix("evaluator_context")] = uploaded  # type: ignore[index]
