"""Transcripts that people have labelled, read from JSON or CSV: what an evaluator's verdicts are compared with.

JSON: a list of `{"id", "evaluator_context"?, "turns": [{"speaker": "caller" | "counselor", "text"}], "labels":
{criterion: "met" | "not_met" | "not_applicable"}}`. CSV: columns `id`, `transcript` (a line for each turn, `Caller: …`
or `Counselor: …`), `evaluator_context` if there is one, and one column for each labelled criterion; an empty cell is no
label.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.models import NEW_VERDICTS

SPEAKERS = ("caller", "counselor")
VERDICTS = tuple(value for value, _ in NEW_VERDICTS)
_OTHER_COLUMNS = {"id", "transcript", "evaluator_context"}


class BadLabels(Exception):
    """The file cannot be used; the text says where and why."""


@dataclass(frozen=True)
class Labelled:
    id: str
    turns: list[tuple[str, str]]  # speaker and text
    labels: dict[str, str]
    evaluator_context: str = ""


def read_labelled(content: bytes, known: set[str], is_csv: bool = False) -> list[Labelled]:
    """All of a file or, with BadLabels, nothing of it. `known` are the criteria that may be labelled."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadLabels("The file is not UTF-8 text.") from error
    rows = _csv_rows(text) if is_csv else _json_rows(text)
    if not rows:
        raise BadLabels("The file holds no transcripts.")
    return [_labelled(number, row, known) for number, row in enumerate(rows, 1)]


def _json_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadLabels(f"The file is not JSON: {error.msg} in line {error.lineno}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadLabels("The file must be a list of transcripts.")
    return rows


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := {"id", "transcript"} - set(reader.fieldnames or ()):
        raise BadLabels(f"The file has no column {' and no column '.join(sorted(missing))}.")
    return [
        {
            "id": row["id"],
            "evaluator_context": row.get("evaluator_context") or "",
            "turns": [_turn_of(line) for line in (row["transcript"] or "").splitlines() if line.strip()],
            "labels": {key: value.strip() for key, value in row.items() if key not in _OTHER_COLUMNS and value},
        }
        for row in reader
    ]


def _turn_of(line: str) -> dict[str, str]:
    speaker, _, text = line.partition(":")
    return {"speaker": speaker.strip().lower(), "text": text.strip()}


def _labelled(number: int, row: Mapping[str, Any], known: set[str]) -> Labelled:
    where = f"Transcript {number}"
    turns, labels = row.get("turns"), row.get("labels")
    if not isinstance(turns, list) or not isinstance(labels, dict):
        raise BadLabels(f"{where} needs `turns` and `labels`.")
    for at, turn in enumerate(turns, 1):
        if not isinstance(turn, dict) or turn.get("speaker") not in SPEAKERS or not isinstance(turn.get("text"), str):
            raise BadLabels(f"{where}, turn {at}: a speaker (caller or counselor) and a text are needed.")
    for key, verdict in labels.items():
        if key not in known:
            raise BadLabels(f"{where}: there is no criterion {key!r}.")
        if verdict not in VERDICTS:
            raise BadLabels(f"{where}, {key}: {verdict!r} is none of {', '.join(VERDICTS)}.")
    context = row.get("evaluator_context") or ""
    if not isinstance(context, str):
        raise BadLabels(f"{where}: `evaluator_context` must be a text.")
    spoken = [(turn["speaker"], turn["text"]) for turn in turns]
    if len(spoken) < 2 or not any(speaker == "counselor" for speaker, _ in spoken):
        raise BadLabels(f"{where} is too short to be graded.")
    return Labelled(
        str(row.get("id") or number), spoken, {str(key): str(value) for key, value in labels.items()}, context
    )
