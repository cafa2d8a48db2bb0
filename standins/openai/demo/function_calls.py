"""Function calls of the simulated model: a function that is required, or whose name the last turn mentions."""

import re
from dataclasses import dataclass

import orjson

from ..endpoints.structured_outputs import fit_to_schema
from ..http.json_types import JSON, JSONValue, as_object, as_text, objects

NAME_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")
COMMON_WORDS = frozenset({"get", "set", "the", "and", "for", "tool", "call", "function", "caller", "with"})
ANSWER_CHARACTERS = 200  # most of a function's output that the model repeats


@dataclass(frozen=True)
class FunctionCall:
    name: str
    arguments: str  # JSON


def choose_call(tools: JSONValue, tool_choice: JSONValue, last_turn: str) -> FunctionCall | None:
    """Return the function call that the model answers with, or None if it answers in words.

    A choice of `required` or of a function by name forces a call. With `auto`, the turn must contain a word of the
    function's name.
    """
    functions = [tool for tool in objects(tools) if tool.get("type") == "function" and _function(tool).get("name")]
    if not functions or tool_choice == "none":
        return None
    named = as_text(_function(as_object(tool_choice)).get("name"))
    if named:
        chosen = [tool for tool in functions if _function(tool)["name"] == named]
    elif tool_choice == "required":
        chosen = functions
    else:
        chosen = [tool for tool in functions if _is_mentioned(as_text(_function(tool)["name"]), last_turn)]
    return _build_call(_function(chosen[0])) if chosen else None


def _function(tool: JSON) -> JSON:
    """Return the description of a function, which Chat Completions nests in an inner object."""
    return as_object(tool.get("function")) or tool


def _is_mentioned(name: str, turn: str) -> bool:
    words = {word.lower() for word in NAME_WORD.findall(name)} - COMMON_WORDS
    return bool(words & {word.lower() for word in re.findall(r"[A-Za-z]{3,}", turn)})


def _build_call(function: JSON) -> FunctionCall:
    schema: JSON = {"type": "object", **as_object(function.get("parameters"))}
    arguments = fit_to_schema(schema, None)
    return FunctionCall(as_text(function["name"]), orjson.dumps(arguments).decode())


def answer_from_output(output: str) -> str:
    """Return the words in which the model reports a function's output."""
    return f"This is what I found: {' '.join(output.split())[:ANSWER_CHARACTERS]}"
