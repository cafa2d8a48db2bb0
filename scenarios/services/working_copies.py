"""Working copies of scenarios: saving as typed, publishing, and discarding."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from scenarios.forms.editor_form import (
    EditorForm,
    TypedFields,
    is_same,
    merge_step,
    type_new_scenario,
    type_scenario,
)
from scenarios.models import Scenario, ScenarioWorkingCopy
from scenarios.services.scenarios import create_scenario, update_scenario


class OtherWindowError(Exception):
    """The author saved, published, or discarded the working copy in another window in the meantime."""


class OutdatedCopyError(Exception):
    """Someone published other changes to the scenario in the meantime."""


@dataclass(frozen=True)
class EditedScenario:
    """A scenario and its author's working copy. At least one of the two exists, except before the first save."""

    id: UUID
    scenario: Scenario | None = None
    copy: ScenarioWorkingCopy | None = None
    stored_context: str = ""  # the published evaluator context

    @property
    def typed(self) -> TypedFields:
        if self.copy:
            return dict(self.copy.fields)
        return type_scenario(self.scenario, self.stored_context) if self.scenario else type_new_scenario()

    @property
    def revision(self) -> int:
        """Number of saves, or 0 without a working copy. A save must name the revision that it follows."""
        return self.copy.revision if self.copy else 0

    @property
    def title(self) -> str:
        if self.copy:
            return self.copy.title
        return self.scenario.title if self.scenario else _("New scenario")

    @property
    def trial_id(self) -> UUID:
        """ID that the trial pages take: of the working copy, if there is one."""
        return self.copy.pk if self.copy else self.id


def find_edited(user: User, pk: UUID) -> EditedScenario | None:
    """Return the scenario with this id, or the author's new scenario. Raise ContextUnavailableError."""
    scenario = Scenario.objects.for_user(user).select_related("changed_by").filter(pk=pk).first()
    own = ScenarioWorkingCopy.objects.for_user(user).select_related("scenario__changed_by")
    if scenario:
        return EditedScenario(pk, scenario, own.of(scenario).first(), scenario.evaluator_context)
    copy = own.unpublished().filter(pk=pk).first()
    return EditedScenario(pk, copy=copy) if copy else None


def is_free(pk: UUID) -> bool:
    """Return whether a new scenario may have this id."""
    rows = (Scenario.objects.filter(pk=pk), ScenarioWorkingCopy.objects.filter(pk=pk))
    return not any(one.exists() for one in rows)


def save_step(
    edited: EditedScenario, by: User, posted: Mapping[str, list[str]], step: str, revision: int
) -> EditedScenario:
    """Keep one step as typed, valid or not. Raise OtherWindowError if `revision` is not the newest."""
    typed = merge_step(edited.typed, posted, step)
    if edited.copy is None:
        is_unchanged = edited.scenario is not None and is_same(typed, edited.typed)
        if is_unchanged and revision == 0:
            return edited
        return _create_copy(edited, by, typed, revision)
    if typed == edited.copy.fields and revision in (edited.revision, 0):
        return edited
    newest = ScenarioWorkingCopy.objects.filter(pk=edited.copy.pk, revision=revision)
    if not newest.update(fields=typed, revision=revision + 1, touched_at=timezone.now()):
        raise OtherWindowError
    edited.copy.refresh_from_db()
    return edited


def _create_copy(edited: EditedScenario, by: User, typed: TypedFields, revision: int) -> EditedScenario:
    if revision:
        raise OtherWindowError
    scenario = edited.scenario
    own_id = {} if scenario else {"id": edited.id}
    try:
        with transaction.atomic():
            copy = ScenarioWorkingCopy.objects.create(
                organization_id=by.organization_id,
                author=by,
                scenario=scenario,
                based_on=scenario.updated_at if scenario else None,
                fields=typed,
                **own_id,
            )
    except IntegrityError as error:
        raise OtherWindowError from error
    return replace(edited, copy=copy)


def build_form(edited: EditedScenario, user: User, shows_errors: bool = False) -> EditorForm:
    """Return the form with the typed fields. The scenario is read again, because validation changes the object."""
    scenario = Scenario.objects.get(pk=edited.scenario.pk) if edited.scenario else None
    return EditorForm(user, scenario, edited.typed, edited.stored_context, shows_errors)


def publish(edited: EditedScenario, by: User) -> Scenario:
    """Create or change the scenario, and delete the working copy.

    Raise ValidationError if the fields are invalid, OutdatedCopyError, or OtherWindowError. The copy is then kept.
    """
    copy = edited.copy
    if copy is None:
        raise OtherWindowError
    form = build_form(edited, by, shows_errors=True)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    values = {name: value for name, value in form.cleaned_data.items() if name != "organization"}
    context, skills = values.pop("evaluator_context"), values.pop("skills")
    if edited.scenario is None:
        fields = {"id": copy.pk, **values}
        scenario, _nothing = create_scenario(
            by.organization, by, fields, context, skills, within=lambda one: _close(copy, by, one, ADDITION)
        )
        return scenario

    def check_and_close(scenario: Scenario) -> None:
        newest = Scenario.objects.select_for_update().get(pk=scenario.pk)
        if newest.updated_at != copy.based_on:
            raise OutdatedCopyError
        _close(copy, by, scenario, CHANGE)

    update_scenario(edited.scenario, values, context, skills, by=by, within=check_and_close)
    return edited.scenario


def _close(copy: ScenarioWorkingCopy, by: User, scenario: Scenario, action: int) -> None:
    """Delete the copy in the transaction that publishes it, and write the scenario's history."""
    deleted, _rows = ScenarioWorkingCopy.objects.filter(pk=copy.pk, revision=copy.revision).delete()
    if not deleted:
        raise OtherWindowError
    LogEntry.objects.log_actions(by.pk, [scenario], action, _("Published from the editor."))


def keep_own(copy: ScenarioWorkingCopy) -> None:
    """Let the copy replace what others have published since it was begun."""
    if copy.scenario:
        ScenarioWorkingCopy.objects.filter(pk=copy.pk).update(based_on=copy.scenario.updated_at)


def discard(copy: ScenarioWorkingCopy) -> None:
    copy.delete()


def propose_again(edited: EditedScenario, without_checks: TypedFields) -> None:
    """Let the checks follow the evaluator context again."""
    if edited.copy:
        ScenarioWorkingCopy.objects.filter(pk=edited.copy.pk).update(fields=without_checks)
