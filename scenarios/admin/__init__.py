"""Supervisors' and trainers' screens. Scenarios and drafts are registered by `training`, which can assign them."""

from scenarios.admin.imports import ImportJobAdmin
from scenarios.admin.scenarios import ScenarioAdmin

__all__ = ["ImportJobAdmin", "ScenarioAdmin"]
