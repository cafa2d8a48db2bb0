"""Pages for accounts and for email notification settings."""

import logging
from dataclasses import dataclass
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import (
    EmailChangeForm,
    EmailNotificationsForm,
    ProceduresConfirmationForm,
    ProceduresForm,
    SectionSearchForm,
)
from accounts.models import Account, ProcedureDocument, ProcedureSection
from accounts.procedures.changes import list_changes
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.procedures.uploads import (
    CONFIRMING_MESSAGE,
    PREPARING_MESSAGE,
    confirm_procedures,
    retry_procedures,
    upload_procedures,
)
from accounts.services.credentials import confirm_email_change, read_email_change, request_email_change
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.requests import AuthenticatedRequest

logger = logging.getLogger(__name__)

SECTIONS_SHOWN = 8  # without a click

_view_account_required = permission_required("accounts.view_account", raise_exception=True)
_change_account_required = permission_required("accounts.change_account", raise_exception=True)


@login_required
@_view_account_required
@require_GET
def account_list(request: AuthenticatedRequest) -> HttpResponse:
    accounts = Account.objects.for_user(request.user).with_procedures()
    return render(request, "accounts/account_list.html", {"accounts": accounts})


@login_required
@_view_account_required
@require_GET
def account_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show an account with its active procedure document, the sections of that document, and all earlier uploads."""
    account = _get_account(request, pk)
    return _render_account(request, account, ProceduresForm(account=account))


@login_required
@_view_account_required
@require_GET
def procedures_fragment(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render only the state of the procedures, which the page polls while a document is being prepared."""
    account = _get_account(request, pk)
    return render(
        request, "accounts/_procedures_update.html", {"account": account, "panel": _build_panel(request, account)}
    )


@login_required
@_view_account_required
@require_GET
def procedure_section(request: AuthenticatedRequest, pk: UUID, section: int) -> HttpResponse:
    """Show the text of a section of the active document, with links to the ones before and after it."""
    account = _get_account(request, pk)
    sections = ProcedureSection.objects.for_user(request.user).active_for(account)
    shown = get_object_or_404(sections, pk=section)
    context = {
        "account": account,
        "section": shown,
        "before": sections.filter(position__lt=shown.position).order_by("-position").first(),
        "after": sections.filter(position__gt=shown.position).order_by("position").first(),
    }
    return render(request, "accounts/procedure_section.html", context)


@login_required
@_view_account_required
@require_GET
def procedure_changes(request: AuthenticatedRequest, pk: UUID, document: UUID) -> HttpResponse:
    """Show how a document differs from the one that it replaced."""
    account = _get_account(request, pk)
    documents = ProcedureDocument.objects.for_user(request.user).filter(account=account, replaced__isnull=False)
    new = get_object_or_404(documents.select_related("replaced"), pk=document)
    assert new.replaced
    context = {"account": account, "document": new, "changes": list_changes(new, new.replaced)}
    return render(request, "accounts/procedure_changes.html", context)


@login_required
@_change_account_required
@require_POST
def procedures_upload(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    account = _get_account(request, pk)
    form = ProceduresForm(request.POST, request.FILES, account=account)
    if not form.is_valid():
        return _render_account(request, account, form, status=400)
    try:
        upload_procedures(account, form.cleaned_data["procedures_file"], request.user, form.warning)
    except RateLimitExceededError as error:
        form.add_error(None, str(error))
        response = _render_account(request, account, form, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    except Exception:  # each storage backend raises its own types
        logger.exception("Procedures not stored", extra={"account_id": account.pk})
        form.add_error(None, _("We couldn’t save the document. Please upload it again."))
        return _render_account(request, account, form, status=503)
    if form.warning:
        messages.warning(request, form.warning)
    messages.success(request, PREPARING_MESSAGE)
    return redirect("accounts:account_detail", pk=account.pk)


@login_required
@_change_account_required
@require_http_methods(["POST"])
def procedures_retry(request: AuthenticatedRequest, pk: UUID, document: UUID) -> HttpResponse:
    account = _get_account(request, pk)
    failed = get_object_or_404(ProcedureDocument.objects.for_user(request.user), pk=document, account=account)
    try:
        if retry_procedures(failed, request.user):
            messages.success(request, _("%(file)s is being prepared again.") % {"file": failed.filename})
        else:
            messages.info(request, _("%(file)s hasn’t failed.") % {"file": failed.filename})
    except RateLimitExceededError as error:
        messages.error(request, str(error))
    return redirect("accounts:account_detail", pk=account.pk)


@login_required
@_change_account_required
@require_POST
def procedures_confirm(request: AuthenticatedRequest, pk: UUID, document: UUID) -> HttpResponse:
    """Accept a document in spite of its warning."""
    account = _get_account(request, pk)
    waiting = get_object_or_404(ProcedureDocument.objects.for_user(request.user), pk=document, account=account)
    form = ProceduresConfirmationForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["note"])))
    elif confirm_procedures(waiting, request.user, form.cleaned_data["note"]):
        messages.success(request, CONFIRMING_MESSAGE)
    else:
        messages.info(request, _("%(file)s doesn’t need confirmation.") % {"file": waiting.filename})
    return redirect("accounts:account_detail", pk=account.pk)


def _get_account(request: AuthenticatedRequest, pk: UUID) -> Account:
    return get_object_or_404(Account.objects.for_user(request.user).select_related("procedures__uploaded_by"), pk=pk)


@dataclass(frozen=True)
class ProceduresPanel:
    """An account's active procedure document with its sections, and the history of uploads."""

    current: ProcedureDocument | None
    sections: list[ProcedureSection]  # of the active document, and only those with `search` in them
    history: list[ProcedureDocument]  # newest first
    search: str
    confirmation_form: ProceduresConfirmationForm

    @property
    def first_sections(self) -> list[ProcedureSection]:
        """Sections that are listed at once: all that a search found, or the first ones."""
        return self.sections if self.search else self.sections[:SECTIONS_SHOWN]

    @property
    def other_sections(self) -> list[ProcedureSection]:
        return self.sections[len(self.first_sections) :]

    @property
    def newest(self) -> ProcedureDocument | None:
        return self.history[0] if self.history else None

    @property
    def unread(self) -> list[str]:
        """Sentences about the parts of the newest document that were not read."""
        return explain_unread_parts(self.newest.unread) if self.newest else []

    @property
    def is_processing(self) -> bool:
        """Return True while any upload is being prepared, so that the page polls."""
        return any(document.is_processing for document in self.history)


def _build_panel(request: AuthenticatedRequest, account: Account) -> ProceduresPanel:
    history = account.documents.newest_first().select_related("uploaded_by", "replaced", "confirmed_by")
    form = SectionSearchForm(request.GET)
    search = form.cleaned_data["q"] if form.is_valid() else ""
    sections = ProcedureSection.objects.for_user(request.user).active_for(account).containing(search)
    listed = sections.only("number", "title", "page", "last_page", "document") if account.procedures_id else []
    return ProceduresPanel(account.procedures, list(listed), list(history), search, ProceduresConfirmationForm())


def _render_account(
    request: AuthenticatedRequest, account: Account, form: ProceduresForm, status: int = 200
) -> HttpResponse:
    context = {"account": account, "panel": _build_panel(request, account), "form": form}
    return render(request, "accounts/account_detail.html", context, status=status)


@login_required
@rate_limit(action="manage_email")
@reauthentication_required
@require_http_methods(["GET", "POST"])
def email_change(request: AuthenticatedRequest) -> HttpResponse:
    """Ask for a new address, after the password, and send a link to it. Respond in the same way for every address."""
    if not request.user.has_usable_password():
        raise PermissionDenied  # without a password, they cannot prove who they are
    form = EmailChangeForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            request_email_change(request.user, form.cleaned_data["email"])
        except OSError:
            logger.exception("Link not sent", extra={"user_id": request.user.pk})
            form.add_error(None, _("We couldn’t send the link, so nothing was changed. Try again in a moment."))
            return render(request, "accounts/email_change.html", {"form": form}, status=503)
        sent = _("We sent a link to %(email)s. Your address changes when you open it. Until then, it stays the same.")
        messages.success(request, sent % {"email": form.cleaned_data["email"]})
        return redirect("accounts:email_change")
    return render(request, "accounts/email_change.html", {"form": form})


@sensitive_variables("token")
@require_http_methods(["GET", "POST"])
def email_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show the change that a link requests, and make it only after a click, because mail scanners open links too."""
    change = read_email_change(token)
    if request.method == "GET" or change is None:
        status = 200 if change else 400
        return render(request, "accounts/email_confirm.html", {"change": change, "token": token}, status=status)
    try:
        confirm_email_change(change)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, _("Your address was changed. Log in with the new one from now on."))
    return redirect("account_login" if request.user.is_anonymous else "accounts:email_change")


@login_required
@require_http_methods(["GET", "POST"])
def email_notifications(request: AuthenticatedRequest) -> HttpResponse:
    """Show or save which email notifications a person wants."""
    form = EmailNotificationsForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=form.Meta.fields)
        messages.success(request, _("Your changes were saved."))
        return redirect("accounts:email_notifications")
    return render(request, "accounts/email_notifications.html", {"form": form})
