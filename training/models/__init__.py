from training.models.assignments import TERM_FIELDS, Assignment, AssignmentQuerySet, AssignmentTerms, pick_terms
from training.models.call_tickets import CallTicket
from training.models.end_reasons import EndReason
from training.models.library import mentions, with_own_results
from training.models.sessions import GRADED_STATUSES, Session, SessionQuerySet, readable_sessions
from training.models.turns import TranscriptTurn, TranscriptTurnQuerySet, heard_turns

__all__ = [
    "GRADED_STATUSES",
    "TERM_FIELDS",
    "Assignment",
    "AssignmentQuerySet",
    "AssignmentTerms",
    "CallTicket",
    "EndReason",
    "Session",
    "SessionQuerySet",
    "TranscriptTurn",
    "TranscriptTurnQuerySet",
    "heard_turns",
    "mentions",
    "pick_terms",
    "readable_sessions",
    "with_own_results",
]
