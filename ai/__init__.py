"""OpenAI clients, and detection of prompt injections."""

from ai.bounded_patterns import SearchBudgetError
from ai.clients import (
    AIUnavailableError,
    TaskTimeLimitError,
    build_async_client,
    build_client,
    translate_openai_errors,
)
from ai.models_check import check_models
from ai.prompt_injection import InjectionSpan, find_injections, remove_injections

__all__ = [
    "AIUnavailableError",
    "InjectionSpan",
    "SearchBudgetError",
    "TaskTimeLimitError",
    "build_async_client",
    "build_client",
    "check_models",
    "find_injections",
    "translate_openai_errors",
    "remove_injections",
]
