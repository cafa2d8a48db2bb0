"""Admin pages for drafts from complaints, for support. The product's own pages are in `training.views.drafts`."""

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from accounts.admin import TenantAdmin
from accounts.models import Feature
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.services.features import require_feature
from accounts.web.confirmation import ask_before_action, is_confirmed
from scenarios.admin.filters import AccountFilter
from scenarios.forms.advice import group_advice_by_field
from scenarios.forms.draft_form import DraftForm, LibraryPurpose
from scenarios.forms.draft_pii import count_unresolved, group_findings, read_checked_texts, read_dismissed
from scenarios.forms.draft_request_forms import NewDraftForm, RegenerateForm
from scenarios.services.draft_words import (
    NOT_DELETED,
    NOT_DISCARDED,
    NOT_REGENERATED,
    NOT_RESTORED,
)
from scenarios.services.drafts import (
    PII_CHECKED_FIELDS,
    delete_draft_source,
    discard_draft,
    restore_draft,
)

FOLDER = "admin/scenarios/scenariodraft"


class DraftAdmin(TenantAdmin):
    """Admin pages for drafts from complaints. Registered by `training`, which lists the possible assignees.

    Drafts are discarded, never deleted. None of their text enters the admin history.
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

    def has_add_permission(self, request):
        """Return False, too, if the center has turned drafts off, so that no page links to a new one."""
        return super().has_add_permission(request) and request.user.organization.has_feature(Feature.DRAFTS)

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=gettext_lazy("draft"), ordering="title")
    def name(self, draft):
        return draft.scenario or (draft.title if draft.is_open else "") or _("No title")

    # New draft

    def add_view(self, request, form_url="", extra_context=None):
        if not super().has_add_permission(request):
            raise PermissionDenied
        require_feature(request.user.organization, Feature.DRAFTS)
        form = NewDraftForm(request.user, *([request.POST, request.FILES] if request.method == "POST" else []))
        if form.is_bound and form.is_valid():
            draft = form.request_draft(request.user)
            if draft:
                return self._redirect_to(draft)
        days, keeps = round(settings.DRAFT_KEPT_FOR / 86_400), request.user.organization.keeps_sources
        return self._render(
            request, "new", title=_("Draft from a complaint"), form=form, keeps_sources=keeps, days=days
        )

    # Draft page

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if not self.has_change_permission(request):
            raise PermissionDenied
        draft = self.get_object(request, unquote(object_id))
        if draft is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if request.method != "POST":
            return self._show(request, draft)
        if "again" in request.POST:
            return self._regenerate(request, draft)
        if "restore" in request.POST:
            return self._restore(request, draft)
        if "discard" in request.POST:
            return self._discard(request, draft) if is_confirmed(request) else self._ask_to_discard(request, draft)
        if "delete_source" in request.POST:
            has_confirmed = is_confirmed(request)
            return self._delete_source(request, draft) if has_confirmed else self._ask_to_delete_source(request, draft)
        return self._save(request, draft)

    def state_view(self, request, pk):
        """Return the progress fragment while the draft is being written, then reload the page. For htmx."""
        draft = self._get_draft(request, pk)
        if draft.status == draft.Status.WRITING:
            return render(request, f"{FOLDER}/_writing.html", {"draft": draft})
        return HttpResponseClientRefresh()

    def check_view(self, request, pk):
        """Return the fragment that lists details from the complaint that the text still contains. For htmx."""
        draft = self._get_draft(request, pk)
        if not draft.is_open:
            return HttpResponse()
        found = group_findings(draft, read_checked_texts(request.POST), read_dismissed(request.POST))
        return render(request, f"{FOLDER}/_findings.html", {"findings": found, "unresolved": count_unresolved(found)})

    def _get_draft(self, request, pk):
        if not self.has_change_permission(request):
            raise PermissionDenied
        draft = self.get_object(request, str(pk))
        if draft is None:
            raise Http404
        return draft

    def _show(self, request, draft, regenerate_form=None):
        if draft.status == draft.Status.READY:
            return self._edit(request, draft, regenerate_form=regenerate_form)
        if draft.status == draft.Status.FAILED:
            return self._render(
                request,
                "failed",
                title=_("Draft failed"),
                draft=draft,
                regenerate_form=regenerate_form or RegenerateForm(draft),
            )
        page, title = ("writing", _("Writing the draft")) if draft.is_open else ("closed", draft.get_status_display())
        return self._render(request, page, title=title, draft=draft)

    def _edit(self, request, draft, data=None, regenerate_form=None, **extra_context):
        """Show the draft in its form, as generated or, with `data`, as typed."""
        texts = (
            {name: getattr(draft, name) for name in PII_CHECKED_FIELDS} if data is None else read_checked_texts(data)
        )
        dismissed = frozenset() if data is None else read_dismissed(data)
        found = group_findings(draft, texts, dismissed) if draft.status == draft.Status.READY else []
        form = DraftForm(draft, request.user, data)
        context = {
            "title": _("Edit draft"),
            "draft": draft,
            "form": form,
            "advice": group_advice_by_field(texts["prompt"], texts["evaluator_context"], form["mode"].value()),
            "assignment_form": self.get_assignment_form(request, data),
            "regenerate_form": regenerate_form or RegenerateForm(draft),
            "findings": found,
            "unresolved": count_unresolved(found),
        }
        return self._render(request, "edit", **context | extra_context)

    def _render(self, request, page, **context):
        unread = explain_unread_parts(context["draft"].unread) if "draft" in context else []
        base_context = self.admin_site.each_context(request) | {"opts": self.opts, "unread": unread}
        return render(request, f"{FOLDER}/{page}.html", base_context | context)

    def _redirect_to(self, draft):
        return redirect("admin:scenarios_scenariodraft_change", draft.pk)

    # Changes to a draft

    def _regenerate(self, request, draft):
        form = RegenerateForm(draft, request.POST)
        if form.is_valid():
            is_queued = form.regenerate(request.user)
            if is_queued is False:
                self.message_user(request, NOT_REGENERATED, messages.WARNING)
            if is_queued is not None:
                return self._redirect_to(draft)
        is_edited = draft.status == draft.Status.READY
        return self._edit(request, draft, request.POST, form) if is_edited else self._show(request, draft, form)

    def _restore(self, request, draft):
        if not restore_draft(draft):
            self.message_user(request, NOT_RESTORED, messages.WARNING)
        return self._redirect_to(draft)

    def _ask_to_discard(self, request, draft):
        text = _("This deletes the draft and the complaint for everyone. You can’t undo this.")
        title, button = _("Discard this draft?"), _("Discard draft and complaint")
        return ask_before_action(self, request, [draft], title, text, button)

    def _ask_to_delete_source(self, request, draft):
        text = _("This deletes the complaint and the instructions for everyone. You can’t undo this.")
        title, button = _("Delete the complaint?"), _("Delete complaint permanently")
        return ask_before_action(self, request, [draft], title, text, button)

    def _discard(self, request, draft):
        if not discard_draft(draft):
            self.message_user(request, NOT_DISCARDED, messages.WARNING)
            return self._redirect_to(draft)
        self.message_user(request, _("The draft and its complaint were deleted."))
        return redirect("admin:scenarios_scenariodraft_changelist")

    def _delete_source(self, request, draft):
        is_deleted = delete_draft_source(draft)
        message = _("The complaint was deleted.") if is_deleted else NOT_DELETED
        self.message_user(request, message, messages.SUCCESS if is_deleted else messages.WARNING)
        return self._redirect_to(draft)

    def _save(self, request, draft):
        form, assignment_form = (
            DraftForm(draft, request.user, request.POST),
            self.get_assignment_form(request, request.POST),
        )
        # A list, not a generator, so that both forms report their errors.
        if all([form.is_valid(), assignment_form is None or assignment_form.is_valid()]):
            purpose = assignment_form or LibraryPurpose()
            if saved := form.save_scenario(request.user, read_dismissed(request.POST), purpose):
                scenario, message = saved
                self.log_addition(request, scenario, _("Drafted from a complaint."))
                self.message_user(request, message)
                return redirect("scenarios:scenario_edit", scenario.pk, "try")
        return self._edit(request, draft, request.POST, form=form, assignment_form=assignment_form, is_rejected=True)

    # Extension point for `training`

    def get_assignment_form(self, request, data=None):
        """Return the form for assigning the scenario, or None for users who can only add it to the library."""
        return None
