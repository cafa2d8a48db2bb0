"""Search for identifying details of a complaint that are left in the draft made from it."""

from scenarios.pii.entities import PIIKind, PIIMatch, SourceIdentifier
from scenarios.pii.leak_search import detect_identifiers, find_leaked_pii

__all__ = ["PIIMatch", "SourceIdentifier", "PIIKind", "find_leaked_pii", "detect_identifiers"]
