"""First page of supervisors, evaluators, trainers, and administrators after logging in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Feature, User
from evaluation.models import Evaluation
from evaluation.reports.attention import MAX_COUNTED, AttentionGroup, list_attention, live_sessions
from evaluation.reports.hours import HourChart, build_hour_chart
from evaluation.reports.people_queue import QueuedPerson, build_people_queue
from evaluation.reports.team_score import TeamScore, build_team_score
from evaluation.views.today import greet
from scenarios.models import ImportJob, Scenario, ScenarioDraft
from training.models import Assignment

LIVE_SHOWN = 4
NONE_FOUND = AttentionGroup(0, [])


@dataclass(frozen=True)
class Tile:
    """A number that leads to its list."""

    label: str
    value: int
    note: str
    url: str
    is_live: bool = False


class StaffToday:
    """Content of a staff member's Today. Parts that their role may not see are empty."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.greeting = greet(person)
        self.groups = list_attention(person)
        own = Assignment.objects.for_user(person).filter(counselor=person).open()
        self.own_assignments = list(own.select_related("scenario").soonest_due_first())
        self.sees_team = person.has_perm("training.view_assignment")
        self.sees_live = person.has_perm("training.follow_session")
        self.sees_feedback = person.has_perm("evaluation.view_evaluation")

    @cached_property
    def queue(self) -> list[QueuedPerson]:
        return build_people_queue(self.groups)

    @cached_property
    def live(self) -> list[Any]:
        """The sessions in progress, up to MAX_COUNTED."""
        return list(live_sessions(self.person)[:MAX_COUNTED]) if self.sees_live else []

    @property
    def live_shown(self) -> Sequence[Any]:
        return self.live[:LIVE_SHOWN]

    @cached_property
    def team_score(self) -> TeamScore | None:
        return build_team_score(self.person) if self.sees_team else None

    @cached_property
    def hours(self) -> HourChart | None:
        return build_hour_chart(self.person) if self.sees_team else None

    @property
    def lead(self) -> str:
        """The state of things, in a sentence."""
        if not self.sees_feedback:
            return _("Prepare the conversations that counselors practice.")
        if not self.queue:
            return _("Nobody needs you right now.")
        count = len(self.queue)
        return ngettext("%(count)s person needs you today.", "%(count)s people need you today.", count) % {
            "count": count
        }

    @cached_property
    def tiles(self) -> list[Tile]:
        """Up to four numbers, each with the list behind it."""
        if self.sees_team:
            return self._team_tiles()
        return self._review_tiles() if self.sees_feedback else self._scenario_tiles()

    def _count(self, *kinds: str) -> int:
        return sum(self.groups.get(kind, NONE_FOUND).count for kind in kinds)

    def _team_tiles(self) -> list[Tile]:
        assignments = reverse("training:assignment_list")
        return [
            Tile(_("Overdue"), self._count("overdue"), _("assignments"), f"{assignments}?status=overdue"),
            Tile(
                _("Below the pass mark"),
                self._count("failed"),
                _("in the last two weeks, no attempts left"),
                f"{assignments}?status=failed",
            ),
            self._review_tile(),
            Tile(_("Live now"), len(self.live), _("you can follow along"), reverse("evaluation:live_sessions"), True),
        ]

    def _review_tile(self) -> Tile:
        count = self._count("red_lines", "waiting")
        return Tile(_("To review"), count, _("feedback for a person"), reverse("evaluation:review_queue"))

    def _review_tiles(self) -> list[Tile]:
        feedback = reverse("evaluation:evaluation_list")
        not_reviewed = Evaluation.objects.reviewable_by(self.person).in_review_state("unreviewed")[:MAX_COUNTED]
        return [
            self._review_tile(),
            Tile(_("Disputed"), self._count("disputes"), _("verdicts"), f"{feedback}?state=disputed"),
            Tile(_("Flags"), self._count("flags"), _("pending"), reverse("evaluation:flag_list")),
            Tile(_("Not reviewed"), not_reviewed.count(), _("graded conversations"), f"{feedback}?state=unreviewed"),
        ]

    def _scenario_tiles(self) -> list[Tile]:
        person = self.person
        library = Scenario.objects.for_user(person).library().filter(is_active=True)
        drafts = ScenarioDraft.objects.for_user(person).open()
        imports = ImportJob.objects.for_user(person).not_started()
        drafts_url, imports_url = reverse("training:draft_new"), reverse("scenarios:import_new")
        open_drafts = drafts.count()
        tiles = [
            Tile(_("In the library"), library.count(), _("scenarios"), reverse("scenarios:scenario_list")),
            Tile(_("Open drafts"), open_drafts, _("from complaints"), f"{drafts_url}?whose=all&state=open#drafts"),
            Tile(_("Open imports"), imports.count(), _("to look through"), f"{imports_url}?state=open#recent"),
        ]
        # Drafts from before the feature was turned off can be finished.
        if not open_drafts and not person.organization.has_feature(Feature.DRAFTS):
            del tiles[1]
        return tiles
