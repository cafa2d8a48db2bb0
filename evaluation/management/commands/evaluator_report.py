"""Command that prints the report on the evaluator's performance."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

from accounts.models import Organization
from evaluation.models import Evaluation
from evaluation.reports.evaluator_report import EvaluatorReport, Percentiles, build_evaluator_report
from evaluation.reports.terminal_tables import print_agreement, print_facts


class Command(BaseCommand):
    help = "Prints how the evaluator does: agreement with people by criterion, latency, tokens and failures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", help="of one organization alone, by its name")
        parser.add_argument("--days", type=int, help="of the last so many days alone")

    def handle(self, *args: Any, **options: Any) -> None:
        evaluations = Evaluation.objects.all()
        if name := options["organization"]:
            found = Organization.objects.filter(name=name).first()
            if found is None:
                raise CommandError(f"There is no organization named {name!r}.")
            evaluations = evaluations.filter(organization=found)
        since = timezone.now() - timedelta(days=options["days"]) if options["days"] else None
        report = build_evaluator_report(evaluations, since)
        console = Console(file=self.stdout, width=110, highlight=False)  # type: ignore[arg-type]
        print_facts(console, report_lines(report))
        console.print()
        if report.agreement:
            console.print("Agreement between the evaluator and people")
            print_agreement(console, report.agreement)
        else:
            console.print("No criterion was reviewed by a person yet, so there is no agreement to tell of.")


def report_lines(report: EvaluatorReport) -> list[tuple[str, str]]:
    failed = report.by_status["failed"]
    return [
        ("Evaluations", ", ".join(f"{count} {status}" for status, count in sorted(report.by_status.items())) or "none"),
        ("Grades", ", ".join(f"{grade} {count}" for grade, count in sorted(report.by_grade.items())) or "none"),
        ("Failed for good", str(failed)),
        ("Graded without procedures", str(report.graded_without_procedures)),
        ("Latency with a search", _format_latency(report.with_search)),
        ("Latency without one", _format_latency(report.without_search)),
        ("Tokens in", _format_tokens(report.input_tokens)),
        ("Tokens out", _format_tokens(report.output_tokens)),
        ("Tokens in all", f"{report.all_tokens:,}"),
        ("Scans", ", ".join(f"{count} {status}" for status, count in sorted(report.by_scan.items())) or "none"),
        ("Waiting for a person", str(report.waiting)),
    ]


def _format_latency(spread: Percentiles | None) -> str:
    return f"median {spread.median:,.0f} ms, 95 % under {spread.p95:,.0f} ms, of {spread.n}" if spread else "none"


def _format_tokens(spread: Percentiles | None) -> str:
    return f"median {spread.median:,.0f}, 95 % under {spread.p95:,.0f}" if spread else "none"
