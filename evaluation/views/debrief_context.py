"""Template context of the debrief of a finished conversation: its rating, support contacts, and problem report."""

from typing import Any

from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import ProblemReportForm, SessionFeelingForm, SessionNameForm
from training.models import Session


def debrief_context(request: AuthenticatedRequest, session: Session) -> dict[str, Any]:
    """Build the debrief context. A live session, or another person's, gets `is_own` only."""
    is_own = session.counselor_id == request.user.pk
    if not is_own or session.is_live:
        return {"is_own": is_own}
    said = {"feeling": session.feeling, "note": session.feeling_note}
    return {
        "is_own": True,
        "feeling_form": SessionFeelingForm(initial=said),
        "report_form": ProblemReportForm(),
        "name_form": SessionNameForm(initial={"name": session.name}),
        "support_contacts": request.user.organization.support_contacts if session.is_heavy else "",
    }
