from ai.clients import AIUnavailable, build_async_client, build_client, in_our_words
from ai.instructions import Span, find_instructions, without_instructions

__all__ = [
    "AIUnavailable",
    "Span",
    "build_async_client",
    "build_client",
    "find_instructions",
    "in_our_words",
    "without_instructions",
]
