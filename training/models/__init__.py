from training.models.assignments import Assignment, AssignmentQuerySet
from training.models.end_reasons import EndReason
from training.models.sessions import Session, SessionQuerySet
from training.models.tickets import CallTicket
from training.models.turns import INAUDIBLE, TranscriptTurn, TurnQuerySet, heard_turns

__all__ = [
    "INAUDIBLE",
    "Assignment",
    "AssignmentQuerySet",
    "CallTicket",
    "EndReason",
    "Session",
    "SessionQuerySet",
    "TranscriptTurn",
    "TurnQuerySet",
    "heard_turns",
]
