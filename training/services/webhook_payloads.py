"""Webhook payloads about sessions and assignments: ids and numbers, never words of a conversation."""

from typing import TypedDict

from training.models import Assignment, Session


class SessionPayload(TypedDict):
    """Data of an event about a session."""

    session_id: str
    counselor_id: str
    external_id: str  # the counselor's id in the customer's system
    scenario_id: str | None
    assignment_id: str | None
    attempt: int | None
    kind: str
    mode: str
    status: str
    end_reason: str
    ended_at: str | None  # ISO 8601


class AssignmentPayload(TypedDict):
    """Data of an event about an assignment."""

    assignment_id: str
    counselor_id: str
    external_id: str  # the counselor's id in the customer's system
    scenario_id: str
    score: int | None
    passed: bool | None


def session_payload(session: Session) -> SessionPayload:
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


def assignment_payload(assignment: Assignment) -> AssignmentPayload:
    return {
        "assignment_id": str(assignment.pk),
        "counselor_id": str(assignment.counselor_id),
        "external_id": assignment.counselor.external_id,
        "scenario_id": str(assignment.scenario_id),
        "score": assignment.score,
        "passed": assignment.is_passed,
    }
