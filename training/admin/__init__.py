"""Admin pages for assignments, and the scenario and draft pages that can assign."""

from training.admin.assignments import AssignableScenarioAdmin, AssignmentAdmin
from training.admin.drafts import AssignableDraftAdmin

__all__ = ["AssignableDraftAdmin", "AssignableScenarioAdmin", "AssignmentAdmin"]
