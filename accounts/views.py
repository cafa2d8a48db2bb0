"""Pages for accounts and for email notification settings."""

import logging
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import EmailNotificationsForm, ProceduresForm
from accounts.models import Account, ProcedureDocument
from accounts.procedures.uploads import retry_procedures, upload_procedures
from accounts.web.requests import AuthenticatedRequest

logger = logging.getLogger(__name__)

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
    seen = _get_account(request, pk)
    return render(
        request, "accounts/account_detail.html", _account_context(seen) | {"form": ProceduresForm(account=seen)}
    )


@login_required
@_view_account_required
@require_GET
def procedures_fragment(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render only the state of the procedures, which the page polls while a document is prepared."""
    return render(request, "accounts/_procedures.html", _account_context(_get_account(request, pk)))


@login_required
@_change_account_required
@require_POST
def procedures_upload(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    seen = _get_account(request, pk)
    form = ProceduresForm(request.POST, request.FILES, account=seen)
    if not form.is_valid():
        return render(request, "accounts/account_detail.html", _account_context(seen) | {"form": form}, status=400)
    try:
        upload_procedures(seen, form.cleaned_data["procedures_file"], request.user, form.warning)
    except Exception:  # each storage backend raises its own types
        logger.exception("Procedures not stored", extra={"account_id": seen.pk})
        form.add_error(None, "The document could not be stored, and nothing of it was kept. Please upload it again.")
        return render(request, "accounts/account_detail.html", _account_context(seen) | {"form": form}, status=503)
    if form.warning:
        messages.warning(request, form.warning)
    messages.success(request, "The document is being prepared. The old one counts until it is ready.")
    return redirect("accounts:account_detail", pk=seen.pk)


@login_required
@_change_account_required
@require_http_methods(["POST"])
def procedures_retry(request: AuthenticatedRequest, pk: UUID, document: UUID) -> HttpResponse:
    seen = _get_account(request, pk)
    failed = get_object_or_404(ProcedureDocument.objects.for_user(request.user), pk=document, account=seen)
    if retry_procedures(failed):
        messages.success(request, f"{failed.filename} is being prepared again.")
    else:
        messages.info(request, f"{failed.filename} has not failed.")
    return redirect("accounts:account_detail", pk=seen.pk)


def _get_account(request: AuthenticatedRequest, pk: UUID) -> Account:
    return get_object_or_404(Account.objects.for_user(request.user).select_related("procedures__uploaded_by"), pk=pk)


def _account_context(account: Account) -> dict[str, object]:
    history = list(account.documents.newest_first().select_related("uploaded_by", "replaced"))
    current = account.procedures
    sections = current.sections.only("number", "title", "page", "last_page", "document") if current else []
    return {
        "account": account,
        "current": current,
        "history": history,
        "sections": list(sections),
        "is_processing": any(document.is_processing for document in history),
    }


@login_required
@require_http_methods(["GET", "POST"])
def email_notifications(request: AuthenticatedRequest) -> HttpResponse:
    """Show or save which email notifications a person wants."""
    form = EmailNotificationsForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=form.Meta.fields)
        messages.success(request, "Saved.")
        return redirect("accounts:email_notifications")
    return render(request, "accounts/email_notifications.html", {"form": form})
