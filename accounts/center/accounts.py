"""Forms for adding an account and for changing its name, number, and retention of recordings."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.admin.organizations import RetentionForm
from accounts.models import Account
from accounts.web.requests import AuthenticatedRequest


class AccountDetailsForm(RetentionForm):
    """Name, number, and retention of an account. Its procedures are uploaded on its own page."""

    class Meta:
        model = Account
        fields = ["name", "number", "recording_days"]
        labels = {"recording_days": gettext_lazy("Keep recordings for (days)")}
        help_texts = {
            "name": gettext_lazy("A line or a client whose calls you answer, such as Harbor State Line."),
            "number": gettext_lazy("Procedures must mention it at their beginning, so that no account gets another’s."),
        }


@login_required
@permission_required("accounts.add_account", raise_exception=True)
@require_http_methods(["GET", "POST"])
def account_new(request: AuthenticatedRequest) -> HttpResponse:
    """Add an account and open its page to upload procedures."""
    account = Account(organization=request.user.organization)
    form = AccountDetailsForm(request.POST if request.method == "POST" else None, instance=account)
    form.instance.organization = request.user.organization
    if request.method == "POST" and form.is_valid():
        account.save()
        messages.success(request, _("The account was added. Now upload its procedures."))
        return redirect("accounts:account_detail", pk=account.pk)
    return render(request, "accounts/account_form.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@permission_required("accounts.change_account", raise_exception=True)
@require_http_methods(["GET", "POST"])
def account_edit(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Change an account. A shorter retention that deletes recordings must be confirmed."""
    account = get_object_or_404(Account.objects.for_user(request.user), pk=pk)
    title = str(account)
    form = AccountDetailsForm(request.POST if request.method == "POST" else None, instance=account)
    if request.method == "POST" and form.is_valid():
        # Save only the form's fields: a worker may be changing the active procedures concurrently.
        account.save(update_fields=AccountDetailsForm.Meta.fields)
        messages.success(request, _("The account was saved."))
        return redirect("accounts:account_detail", pk=pk)
    context = {"form": form, "account": account, "account_title": title}
    return render(request, "accounts/account_form.html", context, status=400 if form.errors else 200)
