"""Form that uploads a scenario pack, shared by our import page and the admin."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from accounts.services.rate_limits import RateLimitExceededError
from scenarios.forms.scenario_form import AccountChoiceField
from scenarios.models import ContextUnavailableError, ImportJob
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.imports import MAX_BYTES, MAX_ROWS, ImportOptions, stage_import
from scenarios.services.message_translation import translate


class ImportUploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        error_messages={"required": _("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.json"}),
        help_text=format_lazy(
            _("A JSON or CSV file of up to {megabytes} MB and {rows} rows."),
            megabytes=MAX_BYTES // 1024**2,
            rows=f"{MAX_ROWS:,}",
        ),
    )
    account = AccountChoiceField(
        label=_("Account"),
        queryset=Account.objects.none(),
        required=False,
        empty_label=_("The whole organization"),
        help_text=_("Applies to rows that don’t name an account."),
    )
    may_update = forms.BooleanField(
        required=False,
        label=_("Update existing scenarios"),
        help_text=_("Scenarios with the same title are updated from the file. Otherwise, they stay unchanged."),
    )
    creates_categories = forms.BooleanField(
        required=False,
        label=_("Create categories"),
        help_text=_("Otherwise, a row is invalid if its category doesn’t exist yet."),
    )
    is_partial = forms.BooleanField(
        required=False,
        label=_("Import valid rows even if others are invalid"),
        help_text=_("Otherwise, a single invalid row stops the whole import."),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = Account.objects.for_user(user).with_procedures()
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                gettext("The file is larger than %(most)s MB. Split it into several files."),
                params={"most": MAX_BYTES // 1024**2},
            )
        return file

    def stage_import(self, user: User) -> ImportJob | None:
        """Return the checked import. If the file cannot be read or checked, add an error and return None."""
        options = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        file = self.cleaned_data["file"]
        try:
            return stage_import(
                user.organization, user, file, file.name, ImportJob.ImportSource.PAGE, ImportOptions(**options)
            )
        except UnreadablePackError as error:
            self.add_error("file", translate(error.message))
        except RateLimitExceededError as error:
            self.add_error("file", str(error))
        except ContextUnavailableError:
            message = gettext(
                "This file could not be checked, because an evaluator context that it may change can’t be read right "
                "now. Try again in a moment."
            )
            self.add_error("file", message)
        return None
