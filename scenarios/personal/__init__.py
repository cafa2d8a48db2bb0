"""Whether anything identifying of a complaint is left in the draft that was made from it."""

from scenarios.personal.kinds import Found, Identifier, Kind
from scenarios.personal.search import find_personal, identifiers_in

__all__ = ["Found", "Identifier", "Kind", "find_personal", "identifiers_in"]
