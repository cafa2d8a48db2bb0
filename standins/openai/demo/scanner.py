"""Rule-based scan for keywords that show misuse or a caller out of character."""

import re

from ..http.json_types import JSON, JSONValue, as_object, as_text
from .grader import GradingTask

SCAN_PATTERNS = (
    (
        "counselor",
        "jailbreak",
        r"you(?:'re| are) (?:just )?(?:an ai|a bot|a machine|chatgpt)|stop (?:acting|pretending)|your prompt",
    ),
    ("counselor", "inappropriate", r"\b(?:idiot|stupid cow|shut up|bitch|asshole)\b"),
    ("counselor", "gaming", r"ignore .{0,40}instructions|(?:mark|score|grade) (?:this|me|every)"),
    ("counselor", "personal_data", r"\b\d{3}-\d{2}-\d{4}\b|\b[\w.]+@(?!example)[\w-]+\.\w{2,}\b"),
    (
        "counselor",
        "counselor_distress",
        r"i(?:'m| am) (?:really )?not (?:acting|playing)|this is (?:really )?about me, not|i can't do this job",
    ),
    ("caller", "role_confusion", r"how can i help you today|have you thought about calling|thank you for calling"),
    ("caller", "prompt_leakage", r"my (?:instructions|prompt) (?:say|are|is)|i was told to play"),
    ("caller", "character_break", r"as an ai|language model|i(?:'m| am) (?:an ai|a simulation)"),
)


def is_scan_schema(schema: JSON) -> bool:
    properties = as_object(schema.get("properties"))
    return "flags" in properties and "criteria" not in properties


def scan_transcript(task: GradingTask) -> JSON:
    found: list[JSONValue] = []
    for speaker, kind, pattern in SCAN_PATTERNS:
        for turn in task.turns:
            match = re.search(pattern, as_text(turn.get("text")), re.IGNORECASE)
            if match and turn.get("speaker") == speaker:
                note = "A keyword stands here. (Simulated scan.)"
                found.append({"kind": kind, "turn": as_text(turn.get("id")), "quote": match.group(), "note": note})
                break
    return {"flags": found}
