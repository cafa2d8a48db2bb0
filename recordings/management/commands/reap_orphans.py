"""Command that lists what the reapers would remove, and can run them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ReapCandidate
from accounts.procedures.reconciliation import reap_procedures
from accounts.services.ownership import ownership_problem
from recordings.services.orphans import reap_recordings
from scenarios.services.evaluator_contexts import reap_contexts

REAPERS = {"recordings": reap_recordings, "contexts": reap_contexts, "procedures": reap_procedures}


class Command(BaseCommand):
    help = "Lists the stored objects that no row needs and when each was found. With --run, searches and removes them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reapers", nargs="*", help="recordings, contexts, or procedures (default: all)")
        parser.add_argument("--run", action="store_true", help="search, then remove what is due, up to the daily share")
        parser.add_argument("--all", action="store_true", help="with --run, remove everything that is due")

    def handle(self, *args: Any, reapers: list[str], run: bool, **options: Any) -> None:
        if unknown := set(reapers) - REAPERS.keys():
            raise CommandError(f"Unknown reapers: {', '.join(sorted(unknown))}. Choose from {', '.join(REAPERS)}.")
        if options["all"] and not run:
            raise CommandError("--all needs --run.")
        if problem := ownership_problem():
            raise CommandError(problem)
        for name in reapers or REAPERS:
            if run:
                report, objects = REAPERS[name](options["all"])
                self.stdout.write(
                    f"{name}: {report.candidates} candidates, {report.due} past the grace period, "
                    f"{len(report.removed)} removed ({objects} objects)"
                )
        for candidate in ReapCandidate.objects.filter(removed_at=None):
            self.stdout.write(f"{candidate.first_seen_at:%Y-%m-%d %H:%M} UTC  {candidate.reaper}  {candidate.key}")
