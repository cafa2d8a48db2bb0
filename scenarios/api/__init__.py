"""The API of the library: one module for each noun."""

from scenarios.api.drafts import DraftViewSet
from scenarios.api.imports import ImportViewSet
from scenarios.api.scenarios import ScenarioViewSet

__all__ = ["DraftViewSet", "ImportViewSet", "ScenarioViewSet"]
