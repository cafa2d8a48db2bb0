"""Snapshots of working copies, so that authors can try a caller before they publish it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.web.visible_text import is_blank
from scenarios.forms.editor_form import last
from scenarios.models import Scenario, ScenarioVersion, ScenarioWorkingCopy
from scenarios.models.scenario_checks import plan_checks
from scenarios.services.working_copies import EditedScenario, build_form

MAX_TRIES = 5


class NotPlayableError(Exception):
    """A trial of a working copy whose caller is not described. The message says what to do."""


def build_scenario(copy: ScenarioWorkingCopy, user: User) -> Scenario:
    """Return an unsaved scenario with the copy's id. Invalid fields have their published or default values."""
    edited = EditedScenario(copy.pk, copy.scenario, copy)
    form = build_form(edited, user, shows_errors=True)
    form.is_valid()
    scenario = Scenario.objects.get(pk=copy.scenario_id) if copy.scenario_id else Scenario()
    for name, value in form.cleaned_data.items():
        if name not in ("skills", "evaluator_context", "organization"):
            setattr(scenario, name, value)
    scenario.pk, scenario.organization_id = copy.pk, copy.organization_id
    scenario.title = scenario.title or copy.title
    if "prompt" in form.errors:
        scenario.prompt = ""
    return scenario


def snapshot_copy(copy: ScenarioWorkingCopy, user: User) -> ScenarioVersion:
    """Return the copy's newest snapshot if nothing has changed since, else create one. Raise NotPlayableError."""
    fields = _snapshot_fields(copy, user)
    if is_blank(fields["prompt"]):
        raise NotPlayableError(_("Describe the caller before you try them. The text may have 10,000 characters."))
    digest = ScenarioVersion.compute_digest(fields)
    newest = _newest_snapshot(copy)
    if newest and newest.digest == digest:
        return newest
    return ScenarioVersion.objects.create(
        organization_id=copy.organization_id,
        working_copy_id=copy.pk,
        number=newest.number + 1 if newest else 1,
        digest=digest,
        **fields,
    )


def find_snapshot(copy: ScenarioWorkingCopy, user: User) -> ScenarioVersion | None:
    """Return the snapshot of the copy as it stands, or None if it was not tried since its last change."""
    newest = _newest_snapshot(copy)
    is_current = newest and newest.digest == ScenarioVersion.compute_digest(_snapshot_fields(copy, user))
    return newest if is_current else None


def _newest_snapshot(copy: ScenarioWorkingCopy) -> ScenarioVersion | None:
    return ScenarioVersion.objects.filter(working_copy_id=copy.pk).order_by("-number").first()


def _snapshot_fields(copy: ScenarioWorkingCopy, user: User) -> dict[str, Any]:
    scenario = build_scenario(copy, user)
    fields = {name: getattr(scenario, name) for name in ScenarioVersion.SNAPSHOT_FIELDS}
    context = last(copy.fields, "evaluator_context")
    return fields | {"evaluator_context": context, "checks": plan_checks(scenario.checks, context).checks}


@dataclass(frozen=True)
class Try:
    """One trial by the author. The id is that of the session."""

    id: UUID
    mode: str
    started_at: datetime


def list_tries(edited: EditedScenario, by: User) -> list[Try]:
    """Return the author's newest trials of the scenario and of its working copy."""
    tried = ScenarioVersion.objects.filter(
        Q(working_copy_id__in={edited.id, edited.trial_id}) | Q(scenario_id=edited.id),
        organization_id=by.organization_id,
        sessions__kind="trial",
        sessions__counselor=by,
    )
    rows = tried.order_by("-sessions__started_at").values_list("sessions__id", "sessions__mode", "sessions__started_at")
    return [Try(*row) for row in rows[:MAX_TRIES]]
