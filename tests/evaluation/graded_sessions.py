"""Graded sessions created directly in the database, without a conversation or a grader."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from evaluation.grading.scoring import grade_for
from evaluation.models import CriterionResult, Evaluation
from evaluation.services.weekly_tallies import recount_week
from scenarios.models import Scenario
from training.models import Session
from training.services.assignments import record_score

BRANCH_OF = {"greeting": "engagement", "asks_about_suicide": "risk", "asks_intent": "risk", "reflection": "listening"}


def add_graded_session(
    counselor: User,
    score: int,
    verdicts: dict[str, str] | None = None,
    days_ago: int = 0,
    scenario: Scenario | None = None,
    **fields: Any,
) -> Session:
    """Create a graded chat that ended `days_ago` days ago. `verdicts` maps criterion keys to verdicts."""
    ended_at = timezone.now() - timedelta(days=days_ago)
    fields = {"kind": Session.Kind.FREE_PRACTICE, "mode": "chat", "status": "completed"} | fields
    session = Session.objects.create(
        organization=counselor.organization, counselor=counselor, scenario=scenario, ended_at=ended_at, **fields
    )
    Session.objects.filter(pk=session.pk).update(started_at=ended_at)
    session.refresh_from_db()
    evaluation = Evaluation.objects.create(
        session=session,
        organization_id=session.organization_id,
        version=1,
        status=Evaluation.Status.COMPLETED,
        score=score,
        grade=grade_for(score),
        completed_at=ended_at,
    )
    CriterionResult.objects.bulk_create(
        CriterionResult(
            evaluation=evaluation,
            organization_id=session.organization_id,
            position=position,
            key=key,
            check_text=f"Checks {key}.",
            branch=BRANCH_OF.get(key, ""),
            source="rubric" if key in BRANCH_OF else "scenario",
            weight=2,
            verdict=verdict,
            quotes=[{"turn": "", "start": 0, "end": 4, "text": f"said for {key}"}],
        )
        for position, (key, verdict) in enumerate((verdicts or {}).items())
    )
    record_score(session, score)
    recount_week(session)
    return session
