"""Command that recounts all weekly tallies."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from evaluation.services.weekly_tallies import recount_counselor_week, recount_scenario_week, week_of
from training.models import Session


class Command(BaseCommand):
    help = "Recount every week of graded practice for plots and tables. Safe to repeat, even while people practice."

    def handle(self, *args: Any, **options: Any) -> None:
        graded = Session.objects.without_trials().filter(score__isnull=False)
        rows = list(graded.select_related("organization").iterator(chunk_size=2000))
        people = {(row.counselor_id, week_of(row)) for row in rows}
        scenarios = {(row.scenario_id, week_of(row)) for row in rows if row.scenario_id}
        for counselor_id, week in sorted(people):
            with transaction.atomic():
                recount_counselor_week(counselor_id, week)
        for scenario_id, week in sorted(scenarios):
            with transaction.atomic():
                recount_scenario_week(scenario_id, week)
        self.stdout.write(
            _("Recounted. Counselor weeks: %(people)s. Scenario weeks: %(scenarios)s.")
            % {"people": len(people), "scenarios": len(scenarios)}
        )
