from training.models.assignments import Assignment, AssignmentQuerySet
from training.models.call_tickets import CallTicket
from training.models.end_reasons import EndReason
from training.models.sessions import Session, SessionQuerySet
from training.models.turns import TranscriptTurn, TranscriptTurnQuerySet, heard_turns

__all__ = [
    "Assignment",
    "AssignmentQuerySet",
    "CallTicket",
    "EndReason",
    "Session",
    "SessionQuerySet",
    "TranscriptTurn",
    "TranscriptTurnQuerySet",
    "heard_turns",
]
