"""Form of the scenario editor: all steps at once, filled in with what the author typed so far."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from scenarios.forms.checks_field import PHRASE_SEPARATOR, ChecksField, ChecksWidget
from scenarios.forms.scenario_form import AccountChoiceField, MultilineTextField, PendingContext, ScenarioForm
from scenarios.forms.survey_field import SurveyFormField, SurveyWidget
from scenarios.models import Category, Scenario, Skill
from scenarios.models.scenario_checks import ScenarioCheck, propose_checks
from scenarios.services.check_previews import CheckPreview, preview_checks
from scenarios.services.evaluator_contexts import CONTEXT_LIMIT

TypedFields = dict[str, list[str]]  # texts by the names of inputs, as a browser sends them

STEPS = ("caller", "assessed", "procedures", "try")
FIELDS_OF_STEP: dict[str, tuple[str, ...]] = {
    "caller": (
        "title",
        "description",
        "content_notes",
        "mode",
        "category",
        "difficulty",
        "estimated_minutes",
        "prompt",
        "opens",
        "patience",
        "visitor_survey",
    ),
    "assessed": ("evaluator_context", "checks", "skills"),
    "procedures": ("account", "relevant_policy_sections"),
    "try": ("is_active", "is_one_time"),
}
_ROWS = {"description": 3, "prompt": 8, "evaluator_context": 7, "relevant_policy_sections": 4}


class EditorChecksWidget(ChecksWidget):
    template = "scenarios/_checks_widget.html"


class EditorSurveyWidget(SurveyWidget):
    template = "scenarios/_survey_widget.html"


class EditorForm(ScenarioForm):
    """The scenario form of one author. Only a bound form shows errors.

    `typed` may be invalid. `stored_context` is the published evaluator context.
    """

    evaluator_context = MultilineTextField(
        required=False,
        label=_("In your words"),
        max_length=CONTEXT_LIMIT,
        widget=forms.Textarea,
        help_text=_(
            "Headings such as “What the counselor should do” and “About the caller” separate what to check from "
            "background facts. The caller never sees this."
        ),
    )
    checks = ChecksField(required=False, label=_("Checks"), widget=EditorChecksWidget)
    visitor_survey = SurveyFormField(required=False, label=_("Visitor’s survey"), widget=EditorSurveyWidget)

    field_order = ("mode",)  # the survey's validation needs it

    class Meta(ScenarioForm.Meta):
        fields = [*ScenarioForm.Meta.fields, "is_one_time"]
        field_classes = {
            "description": MultilineTextField,
            "prompt": MultilineTextField,
            "relevant_policy_sections": MultilineTextField,
            "account": AccountChoiceField,
        }
        labels = {
            "description": _("What counselors read about it"),
            "content_notes": _("Content note"),
            "difficulty": _("Level"),
            "estimated_minutes": _("Takes about (minutes)"),
            "prompt": _("What the caller knows and feels"),
            "patience": _("Patience with silence"),
            "account": _("Account"),
            "relevant_policy_sections": _("Relevant sections"),
            "is_active": _("Offer it for practice"),
        }
        help_texts = {
            "title": _("Counselors see it. Don’t give away what they are to find out."),
            "description": "",
            "content_notes": _("Counselors read this topic before they start, and can decline."),
            "prompt": _("Only the simulated caller gets this text."),
            "patience": _("On the phone only."),
            "opens": "",
            "account": _("Without an account, the scenario is graded against general criteria."),
            "relevant_policy_sections": _("One section a line."),
            "is_active": _("If it is off, nobody can be assigned it, and past work is kept."),
        }

    def __init__(
        self, user: User, scenario: Scenario | None, typed: TypedFields, stored_context: str, shows_errors: bool
    ) -> None:
        self.organization_id = user.organization_id  # type: ignore[assignment]
        self.pending_context = PendingContext(text=stored_context)
        if scenario:
            self.pending_context.scenario_id = scenario.pk
        typed = _with_checks(typed)
        data = to_query(typed) if shows_errors else None
        super().__init__(data, instance=scenario, initial=None if shows_errors else _as_initial(typed))
        del self.fields["context_file"]  # an uploaded text is typed into the evaluator context
        self._limit_choices(user)
        self._set_up_widgets(typed, scenario)
        if scenario:
            del self.fields["is_one_time"]  # promoting and removing have pages of their own
            self.fields["mode"].disabled = scenario.is_assigned
        if not shows_errors:
            self.initial = {**self.initial, **_as_initial(typed)}

    def _limit_choices(self, user: User) -> None:
        choices = {
            "category": Category.objects.for_user(user),
            "skills": Skill.objects.for_user(user),
            "account": Account.objects.for_user(user).with_procedures(),
        }
        for name, queryset in choices.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        self.fields["account"].empty_label = _("The whole center")  # type: ignore[attr-defined]
        self.fields["category"].empty_label = _("No category")  # type: ignore[attr-defined]

    def _set_up_widgets(self, typed: TypedFields, scenario: Scenario | None) -> None:
        for name, rows in _ROWS.items():
            self.fields[name].widget.attrs |= {"rows": rows, "cols": None, "class": ""}
        opens = [("", _("As usual for the mode")), *self.fields["opens"].choices[1:]]  # type: ignore[attr-defined]
        self.fields["opens"].choices = opens  # type: ignore[attr-defined]
        self.fields["title"].widget.attrs["autocomplete"] = "off"
        self.fields["title"].widget.attrs["autofocus"] = scenario is None and not typed.get("title")
        self.fields["estimated_minutes"].widget.attrs |= {"min": 5, "max": 120, "inputmode": "numeric"}
        self.fields["checks"].widget.preview = self.check_preview(typed)

    def check_preview(self, typed: TypedFields) -> CheckPreview:
        """Return the checks as typed, and the lines of the evaluator context that are not graded."""
        proposed = preview_checks([], last(typed, "evaluator_context"))
        return proposed if not are_checks_edited(typed) else CheckPreview(typed_checks(typed), is_proposed=False)

    @property
    def steps_with_errors(self) -> list[str]:
        return [step for step in STEPS if any(name in self.errors for name in FIELDS_OF_STEP[step])]


def last(typed: TypedFields, name: str) -> str:
    """Return the last text of an input, or "" if it was not sent."""
    return (typed.get(name) or [""])[-1]


def to_query(typed: TypedFields) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in typed.items():
        query.setlist(name, values)
    return query


def belongs_to(name: str, fields: tuple[str, ...]) -> bool:
    """Return whether an input is one of these form fields or a part of one, such as `checks-0-text`."""
    return any(name == field or name.startswith(f"{field}-") for field in fields)


def typed_checks(typed: TypedFields) -> Any:
    """Return the rows of checks as typed. The spaces between phrases are those of the page, not of the author."""
    rows = ChecksWidget().value_from_datadict(to_query(typed), None, "checks") or []
    return [row | {"phrases": [phrase.strip() for phrase in row["phrases"]]} for row in rows]


def are_checks_edited(typed: TypedFields) -> bool:
    """Return whether the author edited the checks. If not, they follow the evaluator context."""
    return "checks-0-text" in typed


def without_checks(typed: TypedFields) -> TypedFields:
    return {name: values for name, values in typed.items() if not belongs_to(name, ("checks",))}


def type_checks(checks: list[ScenarioCheck]) -> TypedFields:
    """Return checks as a browser sends them. An empty list is one empty row."""
    typed: TypedFields = {} if checks else {"checks-0-text": [""]}
    for number, check in enumerate(checks):
        parts = check | {"phrases": PHRASE_SEPARATOR.join(check["phrases"])}
        typed |= {f"checks-{number}-{part}": [str(value)] for part, value in parts.items()}
    return typed


def type_scenario(scenario: Scenario, evaluator_context: str) -> TypedFields:
    """Return a scenario as the editor would send it if the author changed nothing."""
    texts = {
        name: str(getattr(scenario, name) or "")
        for name in ("title", "description", "content_notes", "mode", "difficulty", "estimated_minutes", "prompt")
        + ("opens", "patience", "relevant_policy_sections")
    }
    texts |= {"category": str(scenario.category_id or ""), "account": str(scenario.account_id or "")}
    texts |= {"evaluator_context": evaluator_context}
    typed = {name: [text] for name, text in texts.items()}
    typed["skills"] = sorted(str(pk) for pk in scenario.skills.values_list("pk", flat=True))
    typed |= {f"visitor_survey-{part}": [str(answer)] for part, answer in scenario.visitor_survey.items()}
    typed |= {"is_active": ["on"]} if scenario.is_active else {}
    return typed | (type_checks(scenario.checks) if scenario.checks else {})


def type_new_scenario() -> TypedFields:
    """Return the defaults of a scenario that does not exist yet."""
    blank = Scenario()
    names = ("mode", "difficulty", "estimated_minutes", "patience")
    return {name: [str(getattr(blank, name))] for name in names} | {"is_active": ["on"]}


def _with_checks(typed: TypedFields) -> TypedFields:
    """Return the fields with the proposed checks, unless the author edited them."""
    if are_checks_edited(typed):
        return typed
    return typed | type_checks(propose_checks(last(typed, "evaluator_context")))


def _as_initial(typed: TypedFields) -> dict[str, Any]:
    query = to_query(typed)
    initial: dict[str, Any] = {name: last(typed, name) for name in typed}
    initial["skills"] = typed.get("skills", [])
    initial["is_active"] = "is_active" in typed
    initial["is_one_time"] = last(typed, "is_one_time") == "True"
    initial["checks"] = typed_checks(typed)
    initial["visitor_survey"] = SurveyWidget().value_from_datadict(query, None, "visitor_survey")
    return initial


def merge_step(typed: TypedFields, posted: Mapping[str, list[str]], step: str) -> TypedFields:
    """Return `typed` with the fields of one step replaced by what was posted.

    Checks that equal those proposed from the text are dropped, so that they follow the text until they are edited.
    """
    fields = FIELDS_OF_STEP[step]
    kept = {name: values for name, values in typed.items() if not belongs_to(name, fields)}
    sent = {name: [_plain(text) for text in texts] for name, texts in posted.items() if belongs_to(name, fields)}
    merged = kept | sent
    if step != "assessed":
        return merged
    proposals = [propose_checks(last(one, "evaluator_context")) for one in (typed, merged)]
    as_sent = _clean_or_none(typed_checks(merged))
    return without_checks(merged) if as_sent in [ChecksField.as_submitted(one) for one in proposals] else merged


def _clean_or_none(rows: Any) -> list[ScenarioCheck] | None:
    try:
        return ChecksField().clean(rows)
    except forms.ValidationError:
        return None


def _plain(text: str) -> str:
    """Return the text with LF line endings and without NUL, which PostgreSQL cannot store."""
    return text.replace("\r\n", "\n").replace("\0", "")


def is_same(one: TypedFields, other: TypedFields) -> bool:
    """Return whether two versions of the fields say the same. Inputs that are empty and missing are equal."""
    return _comparable(one) == _comparable(other)


def _comparable(typed: TypedFields) -> dict[str, Any]:
    texts = {name: sorted(values) for name, values in without_checks(typed).items() if any(values)}
    rows = [row for row in typed_checks(typed) if str(row["text"]).strip()] if are_checks_edited(typed) else None
    return texts | {"checks": rows}
