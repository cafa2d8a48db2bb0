from scenarios.models.categories import NAME_LIMIT, Category, Skill
from scenarios.models.choices import Difficulty, Mode, Opener, Patience
from scenarios.models.drafts import ScenarioDraft, ScenarioDraftQuerySet
from scenarios.models.imports import ImportJob, ImportJobQuerySet, ImportRow, ImportRowQuerySet
from scenarios.models.scenarios import (
    CONTEXT_FOLDER,
    MAX_SKILLS_PER_SCENARIO,
    ContextUnavailableError,
    Scenario,
    ScenarioQuerySet,
    ScenarioVersion,
    TitleKeyField,
    evaluator_context_key,
    validate_not_blank,
)
from scenarios.models.text_keys import fold_text, title_key
from scenarios.models.working_copies import ScenarioWorkingCopy, ScenarioWorkingCopyQuerySet

__all__ = [
    "CONTEXT_FOLDER",
    "Category",
    "ContextUnavailableError",
    "Difficulty",
    "ImportJob",
    "ImportJobQuerySet",
    "ImportRow",
    "ImportRowQuerySet",
    "MAX_SKILLS_PER_SCENARIO",
    "Mode",
    "NAME_LIMIT",
    "Opener",
    "Patience",
    "Scenario",
    "ScenarioDraft",
    "ScenarioDraftQuerySet",
    "ScenarioQuerySet",
    "ScenarioVersion",
    "ScenarioWorkingCopy",
    "ScenarioWorkingCopyQuerySet",
    "Skill",
    "TitleKeyField",
    "evaluator_context_key",
    "fold_text",
    "title_key",
    "validate_not_blank",
]
