"""Form for editing a draft and saving it as a scenario, shared by our pages and the admin."""

import logging
from collections.abc import Collection
from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import TenantForm
from accounts.models import User
from accounts.services.features import FeatureOffError
from scenarios.forms.draft_pii import FIELD_LABELS
from scenarios.forms.draft_request_forms import account_field, counted_textarea
from scenarios.forms.scenario_form import TEXT_LIMITS, MultilineTextField
from scenarios.models import MAX_SKILLS_PER_SCENARIO, Category, Scenario, ScenarioDraft, Skill
from scenarios.services.drafts import DraftClosedError, UnresolvedPIIError, save_draft
from scenarios.services.evaluator_contexts import clean_context_text
from scenarios.services.scenarios import too_many_skills_message

logger = logging.getLogger(__name__)

NOT_SAVED = _("The scenario could not be saved. Your changes are still here. Try again.")


class DraftPurpose(Protocol):
    """What becomes of a draft when it is saved. `training` knows one that assigns the scenario."""

    def scenario_fields(self) -> dict[str, Any]:
        """Return further columns of the scenario."""

    def finish(self, scenario: Scenario, by: User) -> str:
        """Do what else was chosen, in the transaction that creates the scenario. Return a sentence about it."""


class LibraryPurpose:
    """The scenario goes to the library, for people who cannot assign it."""

    def scenario_fields(self) -> dict[str, Any]:
        return {}

    def finish(self, scenario: Scenario, by: User) -> str:
        return gettext("It is in the library.")


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

    def __init__(self, draft: ScenarioDraft, user: User, data: QueryDict | None = None) -> None:
        self.draft = draft
        self.organization_id = draft.organization_id  # type: ignore[assignment]
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

    def clean_skills(self) -> Any:
        skills = self.cleaned_data["skills"]
        if len(skills) > MAX_SKILLS_PER_SCENARIO:
            raise ValidationError(too_many_skills_message(len(skills)))
        return skills

    def clean_evaluator_context(self) -> str:
        return clean_context_text(self.cleaned_data["evaluator_context"])

    def scenario_fields(self) -> dict[str, Any]:
        """Return the values of the scenario's own columns. Skills and the evaluator context are stored separately."""
        stored_separately = {"skills", "evaluator_context"}
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name not in stored_separately}

    def save_scenario(self, by: User, dismissed: Collection[str], purpose: DraftPurpose) -> tuple[Scenario, str] | None:
        """Return the saved scenario and a sentence about it. If the draft cannot be saved, return None.

        The form then has an error, unless details of people are left or somebody else has closed the draft: the draft
        is read again, so that the page can say which.
        """
        try:
            scenario, sentence = save_draft(
                self.draft,
                by,
                self.scenario_fields() | purpose.scenario_fields(),
                self.cleaned_data["evaluator_context"],
                self.cleaned_data["skills"],
                dismissed,
                within=lambda saved: purpose.finish(saved, by),
            )
            return scenario, self._describe_result(scenario, sentence or "")
        except (UnresolvedPIIError, DraftClosedError):
            self.draft.refresh_from_db()
        except ValidationError as error:
            self.add_error(None, error.messages)
        except FeatureOffError as error:
            self.add_error(None, str(error))
        except Exception:  # storage backends raise errors of many types
            logger.exception("Draft not saved", extra={"draft_id": self.draft.pk})
            self.add_error(None, str(NOT_SAVED))
        return None

    def _describe_result(self, scenario: Scenario, sentence: str) -> str:
        message = (
            gettext("“%(scenario)s” was saved. %(result)s The complaint was kept with the draft.")
            if self.draft.organization.keeps_sources
            else gettext("“%(scenario)s” was saved. %(result)s The complaint was deleted.")
        )
        return message % {"scenario": scenario, "result": sentence}


def _initial_values(draft: ScenarioDraft) -> dict[str, Any]:
    texts = {name: getattr(draft, name) for name in ("title", "description", "prompt", "evaluator_context")}
    choices = {name: getattr(draft, name) for name in ("account", "mode", "difficulty", "relevant_policy_sections")}
    return texts | choices | {"skills": list(draft.skills.all())}
