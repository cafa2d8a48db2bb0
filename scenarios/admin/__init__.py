"""Admin pages for supervisors and trainers.

`training` registers the pages for scenarios and drafts, because it can assign them.
"""

from scenarios.admin.imports import ImportJobAdmin
from scenarios.admin.scenarios import ScenarioAdmin

__all__ = ["ImportJobAdmin", "ScenarioAdmin"]
