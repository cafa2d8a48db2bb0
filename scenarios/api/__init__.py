"""REST API of the scenario library, with one module per resource."""

from scenarios.api.drafts import DraftViewSet
from scenarios.api.imports import ImportViewSet
from scenarios.api.scenarios import ScenarioViewSet

__all__ = ["DraftViewSet", "ImportViewSet", "ScenarioViewSet"]
