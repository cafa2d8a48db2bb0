"""Forms for requesting a draft from a complaint, and another attempt, shared by our pages and the admin.

If a service refuses, the form has the error, and shows what was typed.
"""

import logging
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.services.features import FeatureOffError
from accounts.services.rate_limits import RateLimitExceededError
from scenarios.forms.scenario_form import AccountChoiceField, MultilineTextField
from scenarios.models import Difficulty, Mode, ScenarioDraft
from scenarios.services.draft_sources import (
    MAX_SOURCE_LENGTH,
    MIN_SOURCE_LENGTH,
    SOURCE_FILE_SUFFIXES,
    SourceFile,
    clean_draft_source,
    read_draft_source_file,
)
from scenarios.services.drafts import MAX_INSTRUCTIONS_LENGTH, regenerate_draft, request_draft

logger = logging.getLogger(__name__)

NO_ACCOUNT_LABEL = _("The whole organization (no procedures)")
NOT_SENT = _("The draft could not be requested. Your text is still here. Try again.")


def counted_textarea(rows: int, **attrs: int) -> forms.Textarea:
    """Return a text area without `maxlength`, which would silently cut off pasted text.

    A counter and validation report the limit.
    """
    return forms.Textarea(attrs={"rows": rows, **{f"data-{name}": value for name, value in attrs.items()}})


def instructions_field() -> MultilineTextField:
    return MultilineTextField(
        required=False,
        label=_("Instructions"),
        max_length=MAX_INSTRUCTIONS_LENGTH,
        widget=counted_textarea(3, limit=MAX_INSTRUCTIONS_LENGTH),
        help_text=format_lazy(
            _(
                "How to write the draft, such as “angrier at first.” The draft is also searched for names and numbers "
                "from this field. At most {most} characters."
            ),
            most=f"{MAX_INSTRUCTIONS_LENGTH:,}",
        ),
    )


def source_help_text() -> str | Promise:
    return format_lazy(
        _("{least} to {most} characters."), least=f"{MIN_SOURCE_LENGTH:,}", most=f"{MAX_SOURCE_LENGTH:,}"
    )


def account_field(user: User, **options: Any) -> AccountChoiceField:
    accounts = Account.objects.for_user(user).with_procedures()
    return AccountChoiceField(accounts, required=False, label=_("Account"), empty_label=NO_ACCOUNT_LABEL, **options)


class NewDraftForm(forms.Form):
    """Form for a complaint, typed or uploaded, and options for its draft.

    The text of an uploaded file appears in the text field once it is read.
    """

    source = MultilineTextField(
        required=False,
        label=_("Complaint or call summary"),
        widget=counted_textarea(14, limit=MAX_SOURCE_LENGTH, minimum=MIN_SOURCE_LENGTH),
        help_text=source_help_text(),
    )
    source_file = forms.FileField(
        required=False,
        label=_("Or a file"),
        widget=forms.FileInput(attrs={"accept": ",".join(sorted(SOURCE_FILE_SUFFIXES))}),
        help_text=_("A .txt, .md, or .pdf file of up to 10 MB."),
    )
    instructions = instructions_field()
    mode = forms.ChoiceField(label=_("Mode"), choices=Mode.choices, initial=Mode.PHONE)
    difficulty = forms.ChoiceField(label=_("Difficulty"), choices=Difficulty.choices, initial=Difficulty.INTERMEDIATE)

    field_order = ["source", "source_file", "instructions", "account", "mode", "difficulty"]

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"] = account_field(user, help_text=_("The draft is based on this account’s procedures."))
        self.order_fields(self.field_order)

    def clean_source_file(self) -> SourceFile | None:
        """Return the text of the uploaded file and its unread parts, or None if there is no file."""
        file = self.cleaned_data["source_file"]
        return read_draft_source_file(file) if file else None

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not {"source", "source_file"} <= self.cleaned_data.keys():
            return self.cleaned_data
        file, pasted = self.cleaned_data.pop("source_file"), self.cleaned_data["source"]
        uploaded = file.text if file else None
        if uploaded is not None and pasted not in {"", uploaded.strip()}:
            self.add_error(
                "source_file",
                gettext(
                    "The file and the pasted text differ. Either submit the text without a file, or clear the text "
                    "and choose the file again."
                ),
            )
            return self.cleaned_data
        if uploaded is not None:
            # Browsers do not resubmit files, so the text is kept in the form in case it is shown again with an error.
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["source"] = uploaded  # type: ignore[index]
        self._set_source(pasted if uploaded is None else uploaded)
        self.cleaned_data["unread"] = file.unread if file else []
        if self.errors:
            # The form keeps the text, but not the file, so this is the only time to say what the text lacks.
            for sentence in explain_unread_parts(self.cleaned_data["unread"]):
                self.add_error("source_file", sentence)
        return self.cleaned_data

    def _set_source(self, text: str) -> None:
        if not text:
            self.add_error("source", gettext("Paste the complaint, or choose a file."))
            return
        try:
            self.cleaned_data["source"] = clean_draft_source(text)
        except ValidationError as error:
            self.add_error("source", error)

    def request_draft(self, by: User) -> ScenarioDraft | None:
        """Return the requested draft. If it cannot be requested, add an error and return None."""
        try:
            return request_draft(by, **self.cleaned_data)
        except (RateLimitExceededError, FeatureOffError) as error:
            self.add_error(None, str(error))
        except Exception:  # the database may raise many types of errors
            logger.exception("Draft not requested")
            self.add_error(None, str(NOT_SENT))
        return None


class RegenerateForm(forms.Form):
    """Form for another attempt. The complaint can be changed only if the last attempt failed."""

    source = MultilineTextField(
        label=_("Complaint or call summary"),
        widget=counted_textarea(14, limit=MAX_SOURCE_LENGTH, minimum=MIN_SOURCE_LENGTH),
        help_text=source_help_text(),
    )
    instructions = instructions_field()

    def __init__(self, draft: ScenarioDraft, data: QueryDict | None = None) -> None:
        self.draft = draft
        super().__init__(data, initial={"source": draft.source, "instructions": draft.instructions})
        if draft.status != draft.Status.FAILED:
            del self.fields["source"]

    def clean_source(self) -> str:
        return clean_draft_source(self.cleaned_data["source"])

    def regenerate(self, by: User) -> bool | None:
        """Request another attempt. Return False if the draft is closed, or None after adding an error."""
        try:
            return regenerate_draft(self.draft, by, **self.cleaned_data)
        except (RateLimitExceededError, FeatureOffError) as error:
            self.add_error(None, str(error))
        except Exception:  # the database may raise many types of errors
            logger.exception("Draft not regenerated", extra={"draft_id": self.draft.pk})
            self.add_error(None, str(NOT_SENT))
        return None
