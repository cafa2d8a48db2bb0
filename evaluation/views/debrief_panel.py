"""Panel for the counselor after a conversation: how it felt, its name, a problem report, and support contacts."""

from dataclasses import dataclass

from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import ProblemReportForm, SessionFeelingForm, SessionNameForm
from training.models import Session


@dataclass(frozen=True)
class DebriefPanel:
    """Forms and contacts for the counselor who held the conversation."""

    feeling_form: SessionFeelingForm
    report_form: ProblemReportForm
    name_form: SessionNameForm
    support_contacts: str  # empty unless the counselor may need support


def build_debrief_panel(request: AuthenticatedRequest, session: Session) -> DebriefPanel | None:
    """Return the panel, or None if the session is still live or belongs to another person."""
    if session.counselor_id != request.user.pk or session.is_live:
        return None
    return DebriefPanel(
        feeling_form=SessionFeelingForm(initial={"feeling": session.feeling, "note": session.feeling_note}),
        report_form=ProblemReportForm(),
        name_form=SessionNameForm(initial={"name": session.name}),
        support_contacts=request.user.organization.support_contacts if session.is_heavy else "",
    )
