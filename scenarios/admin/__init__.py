"""Supervisors' and trainers' screens. Scenarios and drafts are registered by `training`, which can assign them."""

from scenarios.admin.scenarios import ScenarioAdmin

__all__ = ["ScenarioAdmin"]
