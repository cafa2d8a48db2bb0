"""Rule-based comparison of documentation and transcript, by shared words only."""

import re

from ..http.json_types import JSON, JSONValue, as_object, as_text, objects
from ..search.text_search import search_terms

SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
RISK_WORDS = re.compile(r"suicid|die|kill|pills|gun|knife|hurt|plan|safe", re.IGNORECASE)


def is_comparison_schema(schema: JSON) -> bool:
    properties = as_object(schema.get("properties"))
    return "statements" in properties and "omissions" in properties


def compare_documentation(turns: list[JSON], documentation: str, guidelines: str) -> JSON:
    spoken = [
        (as_text(turn.get("id")), sentence) for turn in turns for sentence in _sentences(as_text(turn.get("text")))
    ]
    statements = [_statement_result(sentence, spoken) for sentence in _sentences(documentation)[:30]]
    written = search_terms(documentation)
    omissions = [
        _omission(turn, sentence)
        for turn, sentence in spoken
        if RISK_WORDS.search(sentence) and not search_terms(sentence) & written
    ]
    rules = [_guideline_result(rule, written) for rule in _sentences(guidelines)]
    summary = "This is a simulated comparison: it looks for shared words, not for meaning."
    return {
        "statements": list[JSONValue](statements),
        "omissions": list[JSONValue](omissions[:10]),
        "guidelines": list[JSONValue](rules[:20]),
        "summary": summary,
    }


def _omission(turn: str, sentence: str) -> JSON:
    note = "This was said and is not written down."
    return {"turn": turn, "evidence": sentence, "severity": "serious", "note": note}


def _guideline_result(rule: str, written: set[str]) -> JSON:
    shares_words = bool(search_terms(rule) & written)
    return {"rule": rule, "is_kept": shares_words, "severity": "minor", "note": "Compared by words alone."}


def read_comparison_input(parts: list[JSON]) -> tuple[list[JSON], str, str]:
    turns = next((objects(part["turns"]) for part in parts if "turns" in part), [])
    given = next((part for part in parts if "documentation" in part), {})
    return turns, as_text(given.get("documentation")), as_text(given.get("documentation_guidelines"))


def _statement_result(sentence: str, spoken: list[tuple[str, str]]) -> JSON:
    shared = [(len(search_terms(sentence) & search_terms(heard)), turn, heard) for turn, heard in spoken]
    best, turn, heard = max(shared, default=(0, "", ""), key=lambda found: found[0])
    is_supported = best >= 2
    return {
        "quote": sentence,
        "turn": turn if is_supported else "",
        "evidence": heard if is_supported else "",
        "verdict": "supported" if is_supported else "unsupported",
        "severity": "moderate",
        "note": "" if is_supported else "No words of the conversation say this.",
    }


def _sentences(text: str) -> list[str]:
    return [piece for match in SENTENCE.finditer(text) if (piece := match.group().strip())]
