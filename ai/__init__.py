"""OpenAI clients, and detection of prompt injections."""

from ai.answers import ModelAnswer, parse_answer
from ai.bounded_patterns import SearchBudgetError
from ai.clients import (
    AIUnavailableError,
    build_async_client,
    build_client,
    translate_openai_errors,
)
from ai.models_check import check_models
from ai.prompt_injection import InjectionSpan, find_injections, remove_injections
from ai.requests import create_answer, stream_answer

__all__ = [
    "AIUnavailableError",
    "InjectionSpan",
    "ModelAnswer",
    "SearchBudgetError",
    "build_async_client",
    "build_client",
    "check_models",
    "create_answer",
    "find_injections",
    "parse_answer",
    "remove_injections",
    "stream_answer",
    "translate_openai_errors",
]
