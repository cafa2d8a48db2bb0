"""Admin pages for assignments, and the scenario and draft pages with assignment options."""

from training.admin.assignments import AssignableScenarioAdmin, AssignmentAdmin
from training.admin.drafts import AssignableDraftAdmin

__all__ = ["AssignableDraftAdmin", "AssignableScenarioAdmin", "AssignmentAdmin"]
