"""OpenAI clients, detection of prompt injections, and comparison of quotes."""

from ai.answers import ModelAnswer
from ai.bounded_patterns import SearchBudgetError
from ai.clients import (
    AIUnavailableError,
    build_async_client,
    build_client,
    translate_openai_errors,
)
from ai.json_in_text import parse_answer
from ai.models_check import check_models
from ai.prompt_injection import InjectionSpan, find_injections, remove_injections
from ai.requests import create_answer, stream_answer
from ai.text_folding import FoldedText, fold_document, fold_text

__all__ = [
    "AIUnavailableError",
    "FoldedText",
    "InjectionSpan",
    "ModelAnswer",
    "SearchBudgetError",
    "build_async_client",
    "build_client",
    "check_models",
    "create_answer",
    "find_injections",
    "fold_document",
    "fold_text",
    "parse_answer",
    "remove_injections",
    "stream_answer",
    "translate_openai_errors",
]
