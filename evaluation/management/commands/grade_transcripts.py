"""Command that grades labeled transcripts and prints the agreement."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from rich.console import Console

from ai import AIUnavailableError, find_injections
from evaluation.grading import openai_grader, rubric, scoring
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import GradingInput
from evaluation.grading.verification import verify_results
from evaluation.models import CriterionResult
from evaluation.reports.agreement import build_agreement_table
from evaluation.reports.evaluator_report import check_names, fold_no_evidence
from evaluation.reports.labeled_transcripts import LabeledTranscript, LabelFileError, read_labeled_transcripts
from evaluation.reports.terminal_tables import print_agreement
from scenarios.models.scenario_checks import propose_checks

MAX_SCENARIO_CHECKS = 20


class Command(BaseCommand):
    help = "Grade labeled transcripts, and print how closely the evaluator agrees with the labels. Nothing is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="JSON or CSV file, such as fixtures/golden/transcripts.json")
        parser.add_argument("--json", type=Path, dest="to", help="also write every verdict to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        known = {check.key for check in rubric.general_checks(has_procedures=False)}
        known |= {f"scenario_{number}" for number in range(1, MAX_SCENARIO_CHECKS + 1)}
        try:
            transcripts = read_labeled_transcripts(path.read_bytes(), known, path.suffix.lower() == ".csv")
        except OSError as error:
            raise CommandError(
                _("Can't read %(path)s: %(cause)s.") % {"path": path, "cause": error.strerror}
            ) from error
        except LabelFileError as error:
            raise CommandError(f"{path}: {error}") from error
        self.grade_all(transcripts, options["to"])

    def grade_all(self, transcripts: list[LabeledTranscript], to: Path | None) -> None:
        console = Console(file=self.stdout, width=110, highlight=False)  # type: ignore[arg-type]
        verdicts, report, failed = [], [], 0
        for transcript in transcripts:
            try:
                results = grade_labeled(transcript)
            except AIUnavailableError as error:
                failed += 1
                console.print(f"{transcript.id}: {_('not graded')} ({error.code})")
                continue
            points = scoring.compute_score((row.verdict, row.weight, row.is_red_line) for row in results)
            console.print(
                f"{transcript.id}: {points.grade} {points.score}"
                if points
                else f"{transcript.id}: {_('no criteria apply')}"
            )
            by_key = {row.key: row.verdict for row in results}
            verdicts += [
                (key if not key.startswith("scenario_") else "scenario", fold_no_evidence(by_key[key]), label)
                for key, label in transcript.labels.items()
                if key in by_key
            ]
            score = points.score if points else None
            report.append({"id": transcript.id, "score": score, "verdicts": by_key, "labels": transcript.labels})
        if to:
            to.write_text(json.dumps(report, indent=1) + "\n")
        console.print()
        print_agreement(console, build_agreement_table(verdicts, check_names(), settings.AGREEMENT_MIN_REVIEWS))
        if failed:
            raise CommandError(
                _("%(failed)s of %(total)s transcripts could not be graded.")
                % {"failed": failed, "total": len(transcripts)}
            )


def grade_labeled(transcript: LabeledTranscript) -> list[CriterionResult]:
    """Return the verified results of one transcript. Raise AIUnavailableError if it cannot be graded."""
    lines = [
        GraderTurn(f"t{number}", str(number), speaker == "counselor", text, tuple(find_injections(text)))
        for number, (speaker, text) in enumerate(transcript.turns, 1)
    ]
    checks = [
        *rubric.general_checks(has_procedures=False),
        *rubric.scenario_checks(propose_checks(transcript.evaluator_context)),
    ]
    case = GradingInput(
        session_id=transcript.id, checks=checks, lines=lines, evaluator_context=transcript.evaluator_context
    )
    return verify_results(openai_grader.request_grading(case))
