import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from ai import AIUnavailable, find_instructions
from evaluation import openai_grader, rubric, scoring
from evaluation.agreement import table_of
from evaluation.feedback import proven_results
from evaluation.labelled import BadLabels, Labelled, read_labelled
from evaluation.models import CriterionResult
from evaluation.openai_grader import Case
from evaluation.proof import Line
from evaluation.services.reporting import as_judged, names_of_checks
from evaluation.tables import print_agreement
from scenarios.checks import proposed_checks

MOST_SCENARIO_CHECKS = 20


class Command(BaseCommand):
    help = "Grades transcripts that people have labelled and prints how far the evaluator agrees. Nothing is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="a .json or .csv file; fixtures/golden/transcripts.json is one of ours"
        )
        parser.add_argument("--json", type=Path, dest="to", help="write every verdict there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        known = {check.key for check in rubric.general_checks(has_procedures=False)}
        known |= {f"scenario_{number}" for number in range(1, MOST_SCENARIO_CHECKS + 1)}
        try:
            transcripts = read_labelled(path.read_bytes(), known, path.suffix.lower() == ".csv")
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except BadLabels as error:
            raise CommandError(f"{path}: {error}") from error
        self.grade_all(transcripts, options["to"])

    def grade_all(self, transcripts: list[Labelled], to: Path | None) -> None:
        console = Console(file=self.stdout, width=110, highlight=False)  # type: ignore[arg-type]
        verdicts, told, failed = [], [], 0
        for one in transcripts:
            try:
                results = graded(one)
            except AIUnavailable as error:
                failed += 1
                console.print(f"{one.id}: not graded ({error.code})")
                continue
            points = scoring.total((row.verdict, row.weight, row.is_red_line) for row in results)
            console.print(f"{one.id}: {points.grade} {points.score}" if points else f"{one.id}: nothing applied")
            by_key = {row.key: row.verdict for row in results}
            verdicts += [
                (key if not key.startswith("scenario_") else "scenario", as_judged(by_key[key]), label)
                for key, label in one.labels.items()
                if key in by_key
            ]
            told.append({"id": one.id, "score": points and points.score, "verdicts": by_key, "labels": one.labels})
        if to:
            to.write_text(json.dumps(told, indent=1) + "\n")
        console.print()
        print_agreement(console, table_of(verdicts, names_of_checks()))
        if failed:
            raise CommandError(f"{failed} of {len(transcripts)} could not be graded.")


def graded(one: Labelled) -> list[CriterionResult]:
    """Raises AIUnavailable."""
    lines = [
        Line(f"t{number}", str(number), speaker == "counselor", text, tuple(find_instructions(text)))
        for number, (speaker, text) in enumerate(one.turns, 1)
    ]
    checks = [
        *rubric.general_checks(has_procedures=False),
        *rubric.scenario_checks(proposed_checks(one.evaluator_context)),
    ]
    case = Case(session_id=one.id, checks=checks, lines=lines, evaluator_context=one.evaluator_context)
    return proven_results(case, openai_grader.ask(case))
