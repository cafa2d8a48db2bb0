"""What stands beside a finished conversation for the one who held it: how it was, whom to turn to, what is wrong."""

from typing import Any

from accounts.http import SignedInRequest
from evaluation.forms import FeelingForm, NameForm, ReportForm
from training.models import Session


def care_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    is_own = session.counselor_id == request.user.pk
    if not is_own or session.is_live:
        return {"is_own": is_own}
    said = {"feeling": session.feeling, "note": session.feeling_note}
    return {
        "is_own": True,
        "feeling_form": FeelingForm(initial=said),
        "report_form": ReportForm(),
        "name_form": NameForm(initial={"name": session.name}),
        "support_contacts": request.user.organization.support_contacts if session.is_heavy else "",
    }
