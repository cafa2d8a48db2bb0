"""Webhook payloads about sessions and assignments: ids and numbers, never words of a conversation."""

from typing import Any

from training.models import Assignment, Session


def session_payload(session: Session) -> dict[str, Any]:
    return {
        "session_id": str(session.pk),
        "counselor_id": str(session.counselor_id),
        "external_id": session.counselor.external_id,
        "scenario_id": str(session.scenario_id) if session.scenario_id else None,
        "assignment_id": str(session.assignment_id) if session.assignment_id else None,
        "attempt": session.attempt,
        "kind": session.kind,
        "mode": session.mode,
        "status": session.status,
        "end_reason": session.end_reason,
        "ended_at": session.ended_at.isoformat() if session.ended_at else None,
    }


def assignment_payload(assignment: Assignment) -> dict[str, Any]:
    return {
        "assignment_id": str(assignment.pk),
        "counselor_id": str(assignment.counselor_id),
        "external_id": assignment.counselor.external_id,
        "scenario_id": str(assignment.scenario_id),
        "score": assignment.score,
        "passed": assignment.is_passed,
    }
