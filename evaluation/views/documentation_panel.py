"""Panel with a counselor's documentation of a conversation: the form to submit it, or its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from accounts.procedures.unread_parts import explain_unread_parts
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import DocumentationForm
from evaluation.grading.documentation_report import DocumentationGap
from evaluation.models import DocumentationReview
from evaluation.services.documentation import can_submit_documentation
from training.models import Session

_KIND_LABELS = {
    "fabrication": gettext_lazy("Not in the conversation"),
    "inaccuracy": gettext_lazy("Inaccurate"),
    "minimization": gettext_lazy("Understated"),
    "omission": gettext_lazy("Left out"),
    "formatting": gettext_lazy("Guideline not followed"),
}
_SEVERITY_LABELS = {
    "minor": gettext_lazy("Minor"),
    "moderate": gettext_lazy("Moderate"),
    "serious": gettext_lazy("Serious"),
}


@dataclass(frozen=True)
class ShownGap:
    """A gap in the report, with the names of its kind and severity."""

    gap: DocumentationGap
    kind: str
    severity: str


@dataclass(frozen=True)
class DocumentationPanel:
    """A counselor's documentation with its report, or the form to submit it."""

    review: DocumentationReview | None
    form: DocumentationForm | None  # None once documentation has been submitted
    may_retry: bool = False
    gaps: Sequence[ShownGap] = ()  # most serious first

    @property
    def unread(self) -> list[str]:
        """Sentences about the parts of the submitted file that were not read."""
        return explain_unread_parts(self.review.unread) if self.review else []


def build_documentation_panel(request: AuthenticatedRequest, session: Session) -> DocumentationPanel | None:
    """Return the report, or a form if the user may submit documentation now, or None if there is neither."""
    review = DocumentationReview.objects.for_user(request.user).filter(session=session).first()
    if review is not None:
        may_retry = DocumentationReview.objects.retryable_by(request.user).filter(pk=review.pk).exists()
        return DocumentationPanel(review, None, may_retry, [_build_gap(gap) for gap in review.gaps])
    if can_submit_documentation(session, request.user):
        return DocumentationPanel(None, DocumentationForm())
    return None


def _build_gap(stored: Mapping[str, str]) -> ShownGap:
    kind, severity = stored["kind"], stored["severity"]
    return ShownGap(
        DocumentationGap(**stored), str(_KIND_LABELS.get(kind, kind)), str(_SEVERITY_LABELS.get(severity, severity))
    )
