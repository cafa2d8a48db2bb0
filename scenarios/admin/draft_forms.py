from django import forms
from django.core.exceptions import ValidationError

from accounts.admin import ScopedForm
from accounts.models import Account
from scenarios.admin.draft_findings import LABELS
from scenarios.admin.scenario_form import LIMITS, AccountChoiceField, LinesField
from scenarios.models import MAX_SKILLS, Category, Difficulty, Mode, Scenario, Skill
from scenarios.services.contexts import check_context
from scenarios.services.drafts import LONGEST_INSTRUCTIONS
from scenarios.services.sources import KINDS, LONGEST, SHORTEST, check_source, read_source_file

EMPTY_ACCOUNT = "The whole organization: no procedures"


def area(rows, **attrs):
    """A text field; its counter and the check say when it is too long, no browser cuts it short unasked."""
    return forms.Textarea(attrs={"rows": rows, **{f"data-{name}": value for name, value in attrs.items()}})


def instructions_field():
    return LinesField(
        required=False,
        max_length=LONGEST_INSTRUCTIONS,
        widget=area(3, limit=LONGEST_INSTRUCTIONS),
        help_text=(
            "How the draft should be, such as “angrier at first”. Names and numbers in it are looked for in the draft "
            f"as well. At most {LONGEST_INSTRUCTIONS:,} characters."
        ),
    )


def account_field(user, **options):
    accounts = Account.objects.for_user(user).with_procedures()
    return AccountChoiceField(accounts, required=False, empty_label=EMPTY_ACCOUNT, **options)


class NewDraftForm(forms.Form):
    """A complaint, typed or uploaded, and what to make of it. An uploaded text, once read, is shown in the field."""

    source = LinesField(
        required=False,
        label="Complaint or call summary",
        widget=area(14, limit=LONGEST, least=SHORTEST),
        help_text=f"{SHORTEST} to {LONGEST:,} characters.",
    )
    source_file = forms.FileField(
        required=False,
        label="Or a file",
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(KINDS))}),
        help_text="A .txt, .md or .pdf file of up to 10 MB.",
    )
    instructions = instructions_field()
    mode = forms.ChoiceField(choices=Mode.choices, initial=Mode.PHONE)
    difficulty = forms.ChoiceField(choices=Difficulty.choices, initial=Difficulty.INTERMEDIATE)

    field_order = ["source", "source_file", "instructions", "account", "mode", "difficulty"]

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["account"] = account_field(user, help_text="Its procedures are searched for the draft.")
        self.order_fields(self.field_order)

    def clean_source_file(self):
        """The text of the file, or None without one."""
        file = self.cleaned_data["source_file"]
        return read_source_file(file) if file else None

    def clean(self):
        super().clean()
        if not {"source", "source_file"} <= self.cleaned_data.keys():
            return self.cleaned_data
        uploaded, typed = self.cleaned_data.pop("source_file"), self.cleaned_data["source"]
        if uploaded is not None and typed not in {"", uploaded.strip()}:
            self.add_error(
                "source_file",
                "You pasted a text and chose a file that says something else. Which one counts? "
                "Send it without a file, or empty the text and choose the file again.",
            )
            return self.cleaned_data
        if uploaded is not None:
            # Browsers do not send a file twice: shown again with an error, the form still has its text.
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["source"] = uploaded  # type: ignore[index]
        self._take(typed if uploaded is None else uploaded)
        return self.cleaned_data

    def _take(self, text):
        if not text:
            self.add_error("source", "Paste the complaint here, or choose a file.")
            return
        try:
            self.cleaned_data["source"] = check_source(text)
        except ValidationError as error:
            self.add_error("source", error)


class AgainForm(forms.Form):
    """Another try. Where the last one failed, the complaint can be changed for it."""

    source = LinesField(
        label="Complaint or call summary",
        widget=area(14, limit=LONGEST, least=SHORTEST),
        help_text=f"{SHORTEST} to {LONGEST:,} characters.",
    )
    instructions = instructions_field()

    def __init__(self, draft, data=None):
        super().__init__(data, initial={"source": draft.source, "instructions": draft.instructions})
        if draft.status != draft.Status.FAILED:
            del self.fields["source"]

    def clean_source(self):
        return check_source(self.cleaned_data["source"])


class DraftForm(ScopedForm):
    """The scenario that a draft is to be, with everything in it edited."""

    evaluator_context = LinesField(
        required=False,
        label=LABELS["evaluator_context"],
        help_text="What is assessed. Each point of a list becomes a check. The caller never sees it.",
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
        field_classes = dict.fromkeys(["description", "prompt", "relevant_policy_sections"], LinesField)
        labels = LABELS
        widgets = {"skills": forms.CheckboxSelectMultiple}

    ROWS = {"description": 3, "prompt": 22, "evaluator_context": 12, "relevant_policy_sections": 4}

    def __init__(self, draft, user, data=None):
        self.organization_id = draft.organization_id
        super().__init__(data, initial=_proposed(draft))
        self.fields["account"] = account_field(user)
        # Fields that choose among rows: Django's types know only what all fields have.
        self.fields["skills"].queryset = Skill.objects.for_user(user)  # type: ignore[attr-defined]
        self.fields["category"].queryset = Category.objects.for_user(user)  # type: ignore[attr-defined]
        self.fields["category"].help_text = "Yours to choose: a draft comes without one."
        for name, rows in self.ROWS.items():
            text = self.fields[name]
            text.widget = area(rows, limit=LIMITS[name])
            text.help_text = f"{text.help_text} At most {LIMITS[name]:,} characters.".strip()

    def clean_skills(self):
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS:
            raise ValidationError(f"At most {MAX_SKILLS} skills; you chose {len(skills)}.")
        return skills

    def clean_evaluator_context(self):
        return check_context(self.cleaned_data["evaluator_context"])

    def scenario_fields(self):
        """What a scenario is made of, without what is written beside its row."""
        apart = {"skills", "evaluator_context"}
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name not in apart}


def _proposed(draft):
    texts = {name: getattr(draft, name) for name in ("title", "description", "prompt", "evaluator_context")}
    choices = {name: getattr(draft, name) for name in ("account", "mode", "difficulty", "relevant_policy_sections")}
    return texts | choices | {"skills": list(draft.skills.all())}
