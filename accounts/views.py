import logging
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import NoticesForm, ProceduresForm
from accounts.http import SignedInRequest
from accounts.models import Account, ProcedureDocument
from accounts.services.uploading import retry_procedures, upload_procedures

logger = logging.getLogger(__name__)

_sees_accounts = permission_required("accounts.view_account", raise_exception=True)
_changes_accounts = permission_required("accounts.change_account", raise_exception=True)


@login_required
@_sees_accounts
@require_GET
def account_list(request: SignedInRequest) -> HttpResponse:
    accounts = Account.objects.for_user(request.user).with_procedures()
    return render(request, "accounts/list.html", {"accounts": accounts})


@login_required
@_sees_accounts
@require_GET
def account(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """An account with its procedures: the document in force, its sections, and what came before."""
    seen = _account(request, pk)
    return render(request, "accounts/account.html", _context(seen) | {"form": ProceduresForm(account=seen)})


@login_required
@_sees_accounts
@require_GET
def procedures(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The state of the procedures alone, which the page polls while a document is prepared."""
    return render(request, "accounts/_procedures.html", _context(_account(request, pk)))


@login_required
@_changes_accounts
@require_POST
def procedures_upload(request: SignedInRequest, pk: UUID) -> HttpResponse:
    seen = _account(request, pk)
    form = ProceduresForm(request.POST, request.FILES, account=seen)
    if not form.is_valid():
        return render(request, "accounts/account.html", _context(seen) | {"form": form}, status=400)
    try:
        upload_procedures(seen, form.cleaned_data["procedures_file"], request.user, form.warning)
    except Exception:  # whatever the storage raises
        logger.exception("Procedures not stored", extra={"account_id": seen.pk})
        form.add_error(None, "The document could not be stored, and nothing of it was kept. Please upload it again.")
        return render(request, "accounts/account.html", _context(seen) | {"form": form}, status=503)
    if form.warning:
        messages.warning(request, form.warning)
    messages.success(request, "The document is being prepared. The old one counts until it is ready.")
    return redirect("account", pk=seen.pk)


@login_required
@_changes_accounts
@require_http_methods(["POST"])
def procedures_retry(request: SignedInRequest, pk: UUID, document: UUID) -> HttpResponse:
    seen = _account(request, pk)
    failed = get_object_or_404(ProcedureDocument.objects.for_user(request.user), pk=document, account=seen)
    if retry_procedures(failed):
        messages.success(request, f"{failed.filename} is being prepared again.")
    else:
        messages.info(request, f"{failed.filename} has not failed.")
    return redirect("account", pk=seen.pk)


def _account(request: SignedInRequest, pk: UUID) -> Account:
    return get_object_or_404(Account.objects.for_user(request.user).select_related("procedures__uploaded_by"), pk=pk)


def _context(account: Account) -> dict[str, object]:
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
def notices(request: SignedInRequest) -> HttpResponse:
    """Which mails a person wants to have."""
    form = NoticesForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=form.Meta.fields)
        messages.success(request, "Saved.")
        return redirect("notices")
    return render(request, "accounts/notices.html", {"form": form})
