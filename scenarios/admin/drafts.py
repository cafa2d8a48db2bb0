import logging

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from accounts.admin import ScopedAdmin
from scenarios.admin.advice import advice_on
from scenarios.admin.draft_findings import dismissed_in, findings, left_of, texts_of
from scenarios.admin.draft_forms import AgainForm, DraftForm, NewDraftForm
from scenarios.admin.filters import AccountFilter
from scenarios.services.drafts import (
    CHECKED,
    DraftClosed,
    PersonalLeft,
    begin_draft,
    delete_source,
    discard_draft,
    draft_again,
    restore_draft,
    save_draft,
)
from scenarios.throttles import GenerationThrottle

logger = logging.getLogger(__name__)

FOLDER = "admin/scenarios/scenariodraft"
NOT_AGAIN = "This draft is being written already, or somebody has saved or discarded it meanwhile."
NOT_RESTORED = "There is no draft to go back to any more: somebody has had it written anew, or has closed it."
TOO_MANY = "You have asked for many drafts within a minute, and each of them costs. Wait a minute and send it again."
NOT_SENT = "This could not be sent just now, and nothing of it was kept. What you typed is here: try again."
NOT_SAVED = "This could not be saved just now, and nothing of it was kept. What you typed is here: try again."


class DraftAdmin(ScopedAdmin):
    """Scenarios drafted from complaints. Registered by `training`, which knows who can be given them.

    Drafts are discarded, never deleted; nothing of their words goes into the administration's own history.
    """

    list_display = ["name", "status", "mode", "account", "created_by", "created_at"]
    list_filter = ["status", "mode", ("account", AccountFilter)]
    list_select_related = ["scenario", "account", "created_by"]

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:pk>/state/", wrap(require_GET(self.state_view)), name="scenarios_scenariodraft_state"),
            path("<uuid:pk>/check/", wrap(require_POST(self.check_view)), name="scenarios_scenariodraft_check"),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="draft", ordering="title")
    def name(self, draft):
        return draft.scenario or (draft.title if draft.is_open else "") or "No title"

    # A new draft

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewDraftForm(request.user, *([request.POST, request.FILES] if request.method == "POST" else []))
        if form.is_bound and form.is_valid() and self._may_ask(request, form):
            try:
                return self._to(begin_draft(request.user, **form.cleaned_data))
            except Exception:  # whatever the database raises
                logger.exception("Draft not begun")
                form.add_error(None, NOT_SENT)
        days, keeps = round(settings.DRAFT_KEPT_FOR / 86_400), request.user.organization.keeps_sources
        return self._page(request, "new", title="Draft from a complaint", form=form, keeps_sources=keeps, days=days)

    def _may_ask(self, request, form):
        """Whether this person has not asked for too many drafts just now; what was typed is kept."""
        if GenerationThrottle.allows(request):
            return True
        form.add_error(None, TOO_MANY)
        return False

    # A draft's page

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if not self.has_change_permission(request):
            raise PermissionDenied
        draft = self.get_object(request, unquote(object_id))
        if draft is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if request.method != "POST":
            return self._show(request, draft)
        if "again" in request.POST:
            return self._again(request, draft)
        if "restore" in request.POST:
            return self._restore(request, draft)
        if "discard" in request.POST:
            return self._discard(request, draft)
        if "delete_source" in request.POST:
            return self._delete_source(request, draft)
        return self._save(request, draft)

    def state_view(self, request, pk):
        """For htmx: the same words while it is being written, then the whole page anew."""
        draft = self._open_one(request, pk)
        if draft.status == draft.Status.WRITING:
            return render(request, f"{FOLDER}/_writing.html", {"draft": draft})
        return HttpResponseClientRefresh()

    def check_view(self, request, pk):
        """For htmx: what is left of the complaint's people in what is typed now."""
        draft = self._open_one(request, pk)
        if not draft.is_open:
            return HttpResponse()
        found = findings(draft, texts_of(request.POST), dismissed_in(request.POST))
        return render(request, f"{FOLDER}/_findings.html", {"findings": found, "left": left_of(found)})

    def _open_one(self, request, pk):
        if not self.has_change_permission(request):
            raise PermissionDenied
        draft = self.get_object(request, str(pk))
        if draft is None:
            raise Http404
        return draft

    def _show(self, request, draft, again=None):
        if draft.status == draft.Status.READY:
            return self._edit(request, draft, again=again)
        if draft.status == draft.Status.FAILED:
            return self._page(request, "failed", title="No draft yet", draft=draft, again=again or AgainForm(draft))
        page, title = ("writing", "The draft is being written") if draft.is_open else ("closed", draft.status.title())
        return self._page(request, page, title=title, draft=draft)

    def _edit(self, request, draft, data=None, again=None, **more):
        """The draft in its form, as it was written or, with `data`, as it was typed."""
        texts = {name: getattr(draft, name) for name in CHECKED} if data is None else texts_of(data)
        dismissed = frozenset() if data is None else dismissed_in(data)
        found = findings(draft, texts, dismissed) if draft.status == draft.Status.READY else []
        form = DraftForm(draft, request.user, data)
        usual = {
            "title": "Edit the draft",
            "draft": draft,
            "form": form,
            "advice": advice_on(texts["prompt"], texts["evaluator_context"], form["mode"].value()),
            "giving": self.giving(request, data),
            "again": again or AgainForm(draft),
            "findings": found,
            "left": left_of(found),
        }
        return self._page(request, "edit", **usual | more)

    def _page(self, request, page, **context):
        usual = self.admin_site.each_context(request) | {"opts": self.opts}
        return render(request, f"{FOLDER}/{page}.html", usual | context)

    def _to(self, draft):
        return redirect("admin:scenarios_scenariodraft_change", draft.pk)

    # What is done with it

    def _again(self, request, draft):
        form = AgainForm(draft, request.POST)
        if form.is_valid() and self._may_ask(request, form):
            try:
                if not draft_again(draft, **form.cleaned_data):
                    self.message_user(request, NOT_AGAIN, messages.WARNING)
                return self._to(draft)
            except Exception:  # whatever the database raises
                logger.exception("Draft not written anew", extra={"draft_id": draft.pk})
                form.add_error(None, NOT_SENT)
        is_edited = draft.status == draft.Status.READY
        return self._edit(request, draft, request.POST, form) if is_edited else self._show(request, draft, form)

    def _restore(self, request, draft):
        if not restore_draft(draft):
            self.message_user(request, NOT_RESTORED, messages.WARNING)
        return self._to(draft)

    def _discard(self, request, draft):
        if not discard_draft(draft):
            self.message_user(request, "Nothing was discarded: somebody has saved this draft.", messages.WARNING)
            return self._to(draft)
        self.message_user(request, "Discarded. The draft and its complaint are deleted.")
        return redirect("admin:scenarios_scenariodraft_changelist")

    def _delete_source(self, request, draft):
        is_deleted = delete_source(draft)
        words = "The complaint is deleted." if is_deleted else "Nothing was deleted: this draft is not saved."
        self.message_user(request, words, messages.SUCCESS if is_deleted else messages.WARNING)
        return self._to(draft)

    def _save(self, request, draft):
        form, giving = DraftForm(draft, request.user, request.POST), self.giving(request, request.POST)
        # Both are asked, so that each says what is wrong with it.
        if all([form.is_valid(), giving is None or giving.is_valid()]):
            try:
                return self._saved(request, draft, form, giving)
            except (PersonalLeft, DraftClosed):
                draft.refresh_from_db()  # the page says which of them it was
            except ValidationError as error:
                form.add_error(None, error.messages)
            except Exception:  # whatever the storage raises
                logger.exception("Draft not saved", extra={"draft_id": draft.pk})
                form.add_error(None, NOT_SAVED)
        return self._edit(request, draft, request.POST, form=form, giving=giving, is_refused=True)

    def _saved(self, request, draft, form, giving):
        scenario, made = save_draft(
            draft,
            request.user,
            self.fields_of(form, giving),
            form.cleaned_data["evaluator_context"],
            form.cleaned_data["skills"],
            dismissed_in(request.POST),
            within=lambda scenario: self.settle(request, scenario, giving),
        )
        self.log_addition(request, scenario, "Drafted from a complaint.")
        kept = "kept with the draft" if draft.organization.keeps_sources else "deleted"
        self.message_user(request, f"“{scenario}” is saved: {made}. The complaint is {kept}.")
        return redirect("admin:scenarios_scenario_change", scenario.pk)

    # What `training` adds to

    def giving(self, request, data=None):
        """The form that asks what becomes of the scenario; None for who can only put it into the library."""
        return None

    def fields_of(self, form, giving):
        return form.scenario_fields()

    def settle(self, request, scenario, giving):
        """Do what is asked, in the transaction that makes the scenario, and say in a few words what was made."""
        return "in the library"
