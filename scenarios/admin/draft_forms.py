"""Forms for requesting, regenerating, and editing drafts."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantForm
from accounts.models import Account
from accounts.procedures.unread_parts import explain_unread_parts
from scenarios.admin.draft_pii import FIELD_LABELS
from scenarios.forms.scenario_form import TEXT_LIMITS, AccountChoiceField, MultilineTextField
from scenarios.models import MAX_SKILLS_PER_SCENARIO, Category, Difficulty, Mode, Scenario, Skill
from scenarios.services.draft_sources import (
    MAX_SOURCE_LENGTH,
    MIN_SOURCE_LENGTH,
    SOURCE_FILE_SUFFIXES,
    clean_draft_source,
    read_draft_source_file,
)
from scenarios.services.drafts import MAX_INSTRUCTIONS_LENGTH
from scenarios.services.evaluator_contexts import clean_context_text
from scenarios.services.scenarios import too_many_skills_message

NO_ACCOUNT_LABEL = _("The whole organization (no procedures)")


def counted_textarea(rows, **attrs):
    """Return a text area without `maxlength`, which would silently cut off pasted text.

    A counter and validation report the limit.
    """
    return forms.Textarea(attrs={"rows": rows, **{f"data-{name}": value for name, value in attrs.items()}})


def instructions_field():
    return MultilineTextField(
        required=False,
        label=_("Instructions"),
        max_length=MAX_INSTRUCTIONS_LENGTH,
        widget=counted_textarea(3, limit=MAX_INSTRUCTIONS_LENGTH),
        help_text=format_lazy(
            _(
                "How to write the draft, such as “angrier at first.” The draft is also searched for names and numbers "
                "from this field. At most {most} characters."
            ),
            most=f"{MAX_INSTRUCTIONS_LENGTH:,}",
        ),
    )


def source_help_text():
    return format_lazy(
        _("{least} to {most} characters."), least=f"{MIN_SOURCE_LENGTH:,}", most=f"{MAX_SOURCE_LENGTH:,}"
    )


def account_field(user, **options):
    accounts = Account.objects.for_user(user).with_procedures()
    return AccountChoiceField(accounts, required=False, label=_("Account"), empty_label=NO_ACCOUNT_LABEL, **options)


class NewDraftForm(forms.Form):
    """Form for a complaint, typed or uploaded, and options for its draft.

    The text of an uploaded file appears in the text field once it is read.
    """

    source = MultilineTextField(
        required=False,
        label=_("Complaint or call summary"),
        widget=counted_textarea(14, limit=MAX_SOURCE_LENGTH, minimum=MIN_SOURCE_LENGTH),
        help_text=source_help_text(),
    )
    source_file = forms.FileField(
        required=False,
        label=_("Or a file"),
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(SOURCE_FILE_SUFFIXES))}),
        help_text=_("A .txt, .md, or .pdf file of up to 10 MB."),
    )
    instructions = instructions_field()
    mode = forms.ChoiceField(label=_("Mode"), choices=Mode.choices, initial=Mode.PHONE)
    difficulty = forms.ChoiceField(label=_("Difficulty"), choices=Difficulty.choices, initial=Difficulty.INTERMEDIATE)

    field_order = ["source", "source_file", "instructions", "account", "mode", "difficulty"]

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["account"] = account_field(user, help_text=_("The draft is based on this account’s procedures."))
        self.order_fields(self.field_order)

    def clean_source_file(self):
        """Return the text of the uploaded file and its unread parts, or None if there is no file."""
        file = self.cleaned_data["source_file"]
        return read_draft_source_file(file) if file else None

    def clean(self):
        super().clean()
        if not {"source", "source_file"} <= self.cleaned_data.keys():
            return self.cleaned_data
        file, pasted = self.cleaned_data.pop("source_file"), self.cleaned_data["source"]
        uploaded = file.text if file else None
        if uploaded is not None and pasted not in {"", uploaded.strip()}:
            self.add_error(
                "source_file",
                gettext(
                    "The file and the pasted text differ. Either submit the text without a file, or clear the text "
                    "and choose the file again."
                ),
            )
            return self.cleaned_data
        if uploaded is not None:
            # Browsers do not resubmit files, so the text is kept in the form in case it is shown again with an error.
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["source"] = uploaded  # type: ignore[index]
        self._set_source(pasted if uploaded is None else uploaded)
        self.cleaned_data["unread"] = file.unread if file else []
        if self.errors:
            # The form keeps the text, but not the file, so this is the only time to say what the text lacks.
            for sentence in explain_unread_parts(self.cleaned_data["unread"]):
                self.add_error("source_file", sentence)
        return self.cleaned_data

    def _set_source(self, text):
        if not text:
            self.add_error("source", gettext("Paste the complaint, or choose a file."))
            return
        try:
            self.cleaned_data["source"] = clean_draft_source(text)
        except ValidationError as error:
            self.add_error("source", error)


class RegenerateForm(forms.Form):
    """Form for another attempt. The complaint can be changed only if the last attempt failed."""

    source = MultilineTextField(
        label=_("Complaint or call summary"),
        widget=counted_textarea(14, limit=MAX_SOURCE_LENGTH, minimum=MIN_SOURCE_LENGTH),
        help_text=source_help_text(),
    )
    instructions = instructions_field()

    def __init__(self, draft, data=None):
        super().__init__(data, initial={"source": draft.source, "instructions": draft.instructions})
        if draft.status != draft.Status.FAILED:
            del self.fields["source"]

    def clean_source(self):
        return clean_draft_source(self.cleaned_data["source"])


class DraftForm(TenantForm):
    """Form for the scenario to save from a draft. All fields can be edited."""

    evaluator_context = MultilineTextField(
        required=False,
        label=FIELD_LABELS["evaluator_context"],
        help_text=_("What to assess. Each list item becomes a check. The caller never sees this."),
    )

    class Meta:
        model = Scenario
        fields = [
            "title",
            "description",
            "prompt",
            "evaluator_context",
            "relevant_policy_sections",
            "skills",
            "category",
            "account",
            "mode",
            "difficulty",
            "estimated_minutes",
        ]
        field_classes = dict.fromkeys(["description", "prompt", "relevant_policy_sections"], MultilineTextField)
        labels = FIELD_LABELS
        widgets = {"skills": forms.CheckboxSelectMultiple}

    ROWS = {"description": 3, "prompt": 22, "evaluator_context": 12, "relevant_policy_sections": 4}

    def __init__(self, draft, user, data=None):
        self.organization_id = draft.organization_id
        super().__init__(data, initial=_initial_values(draft))
        self.fields["account"] = account_field(user)
        # django-stubs types these fields without their `queryset`.
        self.fields["skills"].queryset = Skill.objects.for_user(user)  # type: ignore[attr-defined]
        self.fields["category"].queryset = Category.objects.for_user(user)  # type: ignore[attr-defined]
        self.fields["category"].help_text = _("Drafts have no category. You can choose one.")
        for name, rows in self.ROWS.items():
            field = self.fields[name]
            field.widget = counted_textarea(rows, limit=TEXT_LIMITS[name])
            limit = gettext("At most %(most)s characters.") % {"most": f"{TEXT_LIMITS[name]:,}"}
            field.help_text = f"{field.help_text} {limit}".strip()

    def clean_skills(self):
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            raise ValidationError(too_many_skills_message(len(skills)))
        return skills

    def clean_evaluator_context(self):
        return clean_context_text(self.cleaned_data["evaluator_context"])

    def scenario_fields(self):
        """Return the values of the scenario's own columns. Skills and the evaluator context are stored separately."""
        stored_separately = {"skills", "evaluator_context"}
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name not in stored_separately}


def _initial_values(draft):
    texts = {name: getattr(draft, name) for name in ("title", "description", "prompt", "evaluator_context")}
    choices = {name: getattr(draft, name) for name in ("account", "mode", "difficulty", "relevant_policy_sections")}
    return texts | choices | {"skills": list(draft.skills.all())}
