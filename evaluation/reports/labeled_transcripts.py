"""Transcripts labeled by people, read from JSON or CSV, for comparison with the evaluator's verdicts.

JSON: a list of `{"id", "evaluator_context"?, "turns": [{"speaker": "caller" | "counselor", "text"}], "labels":
{criterion: "met" | "not_met" | "not_applicable"}}`. CSV: columns `id`, `transcript` (one line per turn, `Caller: …` or
`Counselor: …`), optionally `evaluator_context`, and one column per labeled criterion; an empty cell means no label.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from evaluation.models import REVIEW_VERDICTS

SPEAKERS = ("caller", "counselor")
VERDICTS = tuple(value for value, _ in REVIEW_VERDICTS)
_NON_LABEL_COLUMNS = {"id", "transcript", "evaluator_context"}


class LabelFileError(Exception):
    """Error in a file of labeled transcripts. The message names the place and the cause."""


@dataclass(frozen=True)
class LabeledTranscript:
    """A transcript with people's verdicts on it."""

    id: str  # from the file, or else its position in it
    turns: list[tuple[str, str]]  # speaker and text
    labels: dict[str, str]  # verdicts by criterion key
    evaluator_context: str = ""  # the author's points to assess


def read_labeled_transcripts(content: bytes, known: set[str], is_csv: bool = False) -> list[LabeledTranscript]:
    """Read all transcripts of a file, or raise LabelFileError. `known` holds the criteria that may be labeled."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelFileError(_("The file is not UTF-8 text.")) from error
    rows = _parse_csv(text) if is_csv else _parse_json(text)
    if not rows:
        raise LabelFileError(_("The file contains no transcripts."))
    return [_parse_transcript(number, row, known) for number, row in enumerate(rows, 1)]


def _parse_json(text: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabelFileError(
            _("The file is not valid JSON: %(cause)s on line %(line)s.") % {"cause": error.msg, "line": error.lineno}
        ) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LabelFileError(_("The file must be a list of transcripts."))
    return rows


def _parse_csv(text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := {"id", "transcript"} - set(reader.fieldnames or ()):
        raise LabelFileError(_("Missing columns: %(columns)s.") % {"columns": ", ".join(sorted(missing))})
    return [
        {
            "id": row["id"],
            "evaluator_context": row.get("evaluator_context") or "",
            "turns": [_parse_turn(line) for line in (row["transcript"] or "").splitlines() if line.strip()],
            "labels": {key: value.strip() for key, value in row.items() if key not in _NON_LABEL_COLUMNS and value},
        }
        for row in reader
    ]


def _parse_turn(line: str) -> dict[str, str]:
    speaker, colon, text = line.partition(":")
    return {"speaker": speaker.strip().lower(), "text": text.strip()}


def _parse_transcript(number: int, row: Mapping[str, Any], known: set[str]) -> LabeledTranscript:
    turns, labels = row.get("turns"), row.get("labels")
    if not isinstance(turns, list) or not isinstance(labels, dict):
        raise LabelFileError(_("Transcript %(number)s: `turns` and `labels` are required.") % {"number": number})
    for at, turn in enumerate(turns, 1):
        if not isinstance(turn, dict) or turn.get("speaker") not in SPEAKERS or not isinstance(turn.get("text"), str):
            raise LabelFileError(
                _("Transcript %(number)s, turn %(turn)s: `speaker` (caller or counselor) and `text` are required.")
                % {"number": number, "turn": at}
            )
    for key, verdict in labels.items():
        if key not in known:
            raise LabelFileError(
                _("Transcript %(number)s: unknown criterion “%(key)s”.") % {"number": number, "key": key}
            )
        if verdict not in VERDICTS:
            raise LabelFileError(
                _("Transcript %(number)s, %(key)s: “%(verdict)s” is not one of %(choices)s.")
                % {"number": number, "key": key, "verdict": verdict, "choices": ", ".join(VERDICTS)}
            )
    context = row.get("evaluator_context") or ""
    if not isinstance(context, str):
        raise LabelFileError(_("Transcript %(number)s: `evaluator_context` must be a string.") % {"number": number})
    spoken = [(turn["speaker"], turn["text"]) for turn in turns]
    if len(spoken) < 2 or not any(speaker == "counselor" for speaker, _ in spoken):
        raise LabelFileError(_("Transcript %(number)s is too short to grade.") % {"number": number})
    return LabeledTranscript(
        str(row.get("id") or number), spoken, {str(key): str(value) for key, value in labels.items()}, context
    )
