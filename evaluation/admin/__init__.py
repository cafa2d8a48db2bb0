"""Django administration of sessions, evaluations, and documentation guidelines."""

from evaluation.admin import evaluations, guidelines, sessions

__all__ = ["evaluations", "guidelines", "sessions"]
