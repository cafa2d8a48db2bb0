"""Content of the editor's pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Account, ProcedureSection
from accounts.procedures.indexing import suggest_sections
from accounts.web.identifiers import is_uuid
from accounts.web.requests import AuthenticatedRequest
from scenarios.forms.advice import group_advice_by_field
from scenarios.forms.editor_form import FIELDS_OF_STEP, STEPS, EditorForm, last, type_scenario
from scenarios.services.copy_trials import list_tries
from scenarios.services.working_copies import EditedScenario, build_form

MAX_COMPARED_LENGTH = 60_000  # characters compared when suggesting sections
ADVICE_FIELD = {"caller": "prompt", "assessed": "evaluator_context"}


@dataclass(frozen=True)
class Step:
    """One link of the steps. `state` is "done" or empty."""

    name: str
    label: str
    url: str
    state: str


@dataclass(frozen=True)
class ReadyItem:
    """One line of the list before publishing. `url` leads to where it is mended."""

    text: str
    note: str
    is_done: bool
    url: str


def step_labels() -> dict[str, str]:
    return {"caller": _("Caller"), "assessed": _("Assessed"), "procedures": _("Procedures"), "try": _("Try")}


def format_clock(moment: datetime) -> str:
    """Return the time of day in the center's time zone, with the date if it is not today."""
    local = timezone.localtime(moment)
    clock = date_format(local, "g:i A")
    is_today = local.date() == timezone.localdate()
    return clock if is_today else _("%(date)s, %(time)s") % {"date": date_format(local, "M j"), "time": clock}


def saved_words(edited: EditedScenario) -> str:
    if edited.copy and edited.copy.touched_at:
        return _("Saved %(time)s") % {"time": format_clock(edited.copy.touched_at)}
    return ""


def render_step(
    request: AuthenticatedRequest, edited: EditedScenario, step: str, status: int = 200, **context: Any
) -> HttpResponse:
    """Render one step of the editor. With `?check=1`, errors are shown beside their fields."""
    checked = build_form(edited, request.user, shows_errors=True)
    shows_errors = bool(request.GET.get("check")) or context.pop("shows_errors", False)
    form = checked if shows_errors else build_form(edited, request.user)
    if shows_errors and (wrong := [name for name in FIELDS_OF_STEP[step] if name in form.errors]):
        form.fields[wrong[0]].widget.attrs["autofocus"] = True
    base = {
        "edited": edited,
        "step": step,
        "form": form,
        "steps": _describe_steps(edited, checked, step),
        "next_step": STEPS[STEPS.index(step) + 1] if step != "try" else "",
        "previous_step": STEPS[STEPS.index(step) - 1] if step != "caller" else "",
        "saved": saved_words(edited),
        "outdated": describe_outdated(edited),
    }
    details = {
        "caller": _caller_context,
        "assessed": _assessed_context,
        "procedures": _procedures_context,
        "try": _try_context,
    }
    base |= details[step](request, edited, checked)
    return render(request, f"scenarios/editor_{step}.html", base | context, status=status)


def _describe_steps(edited: EditedScenario, checked: EditorForm, current: str) -> list[Step]:
    wrong, labels = checked.steps_with_errors, step_labels()
    return [
        Step(
            name,
            labels[name],
            reverse("scenarios:scenario_edit", args=[edited.id, name]),
            "done" if name not in wrong and (edited.scenario or number < STEPS.index(current)) else "",
        )
        for number, name in enumerate(STEPS)
    ]


def find_advice(edited: EditedScenario) -> dict[str, Any]:
    texts = {name: last(edited.typed, name) for name in ("prompt", "evaluator_context", "mode")}
    return group_advice_by_field(**texts)


def _caller_context(request: AuthenticatedRequest, edited: EditedScenario, checked: EditorForm) -> dict[str, Any]:
    return {"advice": find_advice(edited)["prompt"]}


def _assessed_context(request: AuthenticatedRequest, edited: EditedScenario, checked: EditorForm) -> dict[str, Any]:
    return {"advice": find_advice(edited)["evaluator_context"], "preview": checked.check_preview(edited.typed)}


def _procedures_context(request: AuthenticatedRequest, edited: EditedScenario, checked: EditorForm) -> dict[str, Any]:
    account = find_account(request, last(edited.typed, "account"))
    if not account or not account.procedures:
        return {"account": account}
    typed = edited.typed
    written = " ".join(last(typed, name) for name in ("description", "prompt", "evaluator_context"))
    suggested = {section.pk for section in suggest_sections(account, written[:MAX_COMPARED_LENGTH])}
    chosen = last(typed, "relevant_policy_sections").split("\n")
    sections = account.procedures.sections.defer("text", "letters")
    rows = [(one, section_line(one), section_line(one) in chosen, one.pk in suggested) for one in sections]
    rows.sort(key=lambda row: not (row[2] or row[3]))  # chosen and related ones first, otherwise in order
    shown = _find_section(request, request.GET)
    return {"account": account, "sections": rows, "chosen_count": sum(row[2] for row in rows), "shown": shown}


def section_line(section: ProcedureSection) -> str:
    """Return the line that names a section in the field."""
    return f"{section} (page {section.page})" if section.page else str(section)


def find_account(request: AuthenticatedRequest, pk: str) -> Account | None:
    accounts = Account.objects.for_user(request.user).with_procedures()
    return accounts.filter(pk=pk).first() if is_uuid(pk) else None


def _find_section(request: AuthenticatedRequest, query: QueryDict) -> ProcedureSection | None:
    pk = query.get("section", "")
    own = ProcedureSection.objects.for_user(request.user)
    return own.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 15 else None


def _try_context(request: AuthenticatedRequest, edited: EditedScenario, checked: EditorForm) -> dict[str, Any]:
    tries = list_tries(edited, request.user)
    items = _list_ready_items(edited, checked, bool(tries))
    done = sum(item.is_done for item in items)
    next_item = next((item for item in items if not item.is_done), None)
    return {"tries": tries, "items": items, "done": done, "next_item": next_item}


def _list_ready_items(edited: EditedScenario, checked: EditorForm, is_tried: bool) -> list[ReadyItem]:
    labels, advice = step_labels(), find_advice(edited)
    urls = {step: reverse("scenarios:scenario_edit", args=[edited.id, step]) for step in STEPS}
    open_advice, has_advice = sum(map(len, advice.values())), bool(advice["prompt"])
    wrong = [step for step in checked.steps_with_errors if step != "try"]
    mended = urls[wrong[0]] + "?check=1" if wrong else ""
    note = _("Look at %(steps)s.") % {"steps": ", ".join(labels[step] for step in wrong)} if wrong else ""
    checks = checked.check_preview(edited.typed).checks
    return [
        ReadyItem(_("Every required field is filled in"), note, not wrong, mended),
        ReadyItem(
            _("No advice is open"),
            _("You can publish without following it."),
            not open_advice,
            urls["caller"] if has_advice else urls["assessed"],
        ),
        ReadyItem(_("Something is assessed"), _("Each check is graded."), bool(checks), urls["assessed"]),
        ReadyItem(
            _("A content note is written"),
            _("Leave it out if the topic is not hard."),
            bool(last(edited.typed, "content_notes").strip()),
            urls["caller"],
        ),
        ReadyItem(
            _("You have tried the caller"), _("Five minutes are enough to find most of what to change."), is_tried, ""
        ),
    ]


def describe_outdated(edited: EditedScenario) -> dict[str, Any] | None:
    """Return who published other changes and when, and which fields differ. None if nobody did."""
    scenario = edited.scenario
    if not scenario or not edited.copy or edited.copy.based_on == scenario.updated_at:
        return None
    theirs = type_scenario(scenario, edited.stored_context)
    form = build_form(edited, edited.copy.author)
    differing = [
        str(field.label)
        for name, field in form.fields.items()
        if name not in ("checks", "visitor_survey") and last(theirs, name) != last(edited.typed, name)
    ]
    return {"by": scenario.changed_by, "at": format_clock(scenario.updated_at), "fields": differing}


def render_parts(request: AuthenticatedRequest, edited: EditedScenario, step: str) -> dict[str, str]:
    """Return the parts of the page that follow from the text, by element id, for the script that saves."""
    parts: dict[str, str] = {}
    if field := ADVICE_FIELD.get(step):
        context = {"field": field, "found": find_advice(edited)[field]}
        parts[f"advice-{field}"] = render_to_string("scenarios/_advice.html", context, request)
    if step == "assessed":
        form = build_form(edited, request.user)
        preview = form.check_preview(edited.typed)
        if preview.is_proposed:
            parts["checks"] = render_to_string("scenarios/_checks.html", {"form": form, "preview": preview}, request)
    if outdated := describe_outdated(edited):
        parts["notice"] = render_to_string(
            "scenarios/_outdated.html", {"edited": edited, "outdated": outdated}, request
        )
    return parts
