"""Command that prints the report on the evaluator's performance."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console

from accounts.models import Organization
from evaluation.models import Evaluation
from evaluation.reports.evaluator_report import EvaluatorReport, Percentiles, build_evaluator_report
from evaluation.reports.terminal_tables import print_agreement, print_facts


class Command(BaseCommand):
    help = "Print the evaluator's performance: agreement with people by criterion, latency, tokens, and failures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", help="name of the organization to report on (default: all)")
        parser.add_argument("--days", type=int, help="number of past days to report on (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        evaluations = Evaluation.objects.all()
        if name := options["organization"]:
            found = Organization.objects.filter(name=name).first()
            if found is None:
                raise CommandError(_("No organization is named “%(name)s”.") % {"name": name})
            evaluations = evaluations.filter(organization=found)
        since = timezone.now() - timedelta(days=options["days"]) if options["days"] else None
        report = build_evaluator_report(evaluations, since)
        console = Console(file=self.stdout, width=110, highlight=False)  # type: ignore[arg-type]
        print_facts(console, report_lines(report))
        console.print()
        if report.agreement:
            console.print(_("Agreement between the evaluator and people"))
            print_agreement(console, report.agreement)
        else:
            console.print(_("No criterion has been reviewed by a person yet, so agreement can't be measured."))


def report_lines(report: EvaluatorReport) -> list[tuple[str, str]]:
    failed = report.by_status["failed"]
    return [
        (
            _("Evaluations"),
            ", ".join(f"{count} {status}" for status, count in sorted(report.by_status.items())) or _("none"),
        ),
        (_("Grades"), ", ".join(f"{grade} {count}" for grade, count in sorted(report.by_grade.items())) or _("none")),
        (_("Failed permanently"), str(failed)),
        (_("Graded without procedures"), str(report.graded_without_procedures)),
        (_("Latency with search"), _format_latency(report.with_search)),
        (_("Latency without search"), _format_latency(report.without_search)),
        (_("Input tokens"), _format_tokens(report.input_tokens)),
        (_("Output tokens"), _format_tokens(report.output_tokens)),
        (_("Total tokens"), f"{report.all_tokens:,}"),
        (_("Scans"), ", ".join(f"{count} {status}" for status, count in sorted(report.by_scan.items())) or _("none")),
        (_("Needs human review"), str(report.waiting)),
    ]


def _format_latency(spread: Percentiles | None) -> str:
    return (
        _("median %(median)s ms, 95%% under %(p95)s ms, n = %(n)s") % _spread_figures(spread) if spread else _("none")
    )


def _format_tokens(spread: Percentiles | None) -> str:
    return _("median %(median)s, 95%% under %(p95)s") % _spread_figures(spread) if spread else _("none")


def _spread_figures(spread: Percentiles) -> dict[str, str]:
    return {"median": f"{spread.median:,.0f}", "p95": f"{spread.p95:,.0f}", "n": str(spread.n)}
