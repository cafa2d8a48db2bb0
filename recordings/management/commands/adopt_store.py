"""Command that makes this database the owner of the object store and of its resources at OpenAI."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.ownership import MarkerUnreadableError
from ai import AIUnavailableError
from recordings.object_store import StoreUnavailableError
from recordings.services.adoption import AdoptionPlan, adopt, plan_adoption

UNREACHABLE = "OpenAI cannot be reached (%s). Try again, or skip its files with --leave-openai."


class Command(BaseCommand):
    help = (
        "Makes this database the owner of the object store, after the first upgrade or after restoring a backup. Run "
        "it only if no other database uses the store: from then on, objects that no row of this one needs are deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--leave-openai",
            action="store_true",
            help="leave vector stores and files at OpenAI that name no installation; documents are uploaded again",
        )
        parser.add_argument(
            "--take-over-from", metavar="ID", action="append", default=[], help="id of the installation that owned it"
        )

    def handle(self, *args: Any, yes: bool, leave_openai: bool, take_over_from: list[str], **options: Any) -> None:
        try:
            plan = plan_adoption(with_openai=not leave_openai)
        except AIUnavailableError as error:
            raise CommandError(UNREACHABLE % error.code) from error
        except (MarkerUnreadableError, StoreUnavailableError) as error:
            raise CommandError(f"The object store cannot be read: {error}") from error
        if plan.is_done:
            self.stdout.write(f"This database already owns the object store as {settings.INSTALLATION_ID}.")
            return
        self._describe(plan)
        if missing := plan.other_owners - set(take_over_from):
            options_needed = " ".join(f"--take-over-from {name}" for name in sorted(missing))
            raise CommandError(
                f"The database or the store belongs to another installation: {', '.join(sorted(missing))}. Check "
                f"DATABASE_URL, STORAGE_URL, and INSTALLATION_ID. If that installation is gone for good, add "
                f"{options_needed}. Nothing was changed."
            )
        if not yes and not self._is_confirmed():
            raise CommandError("Nothing was changed.")
        try:
            adopt(plan)
        except AIUnavailableError as error:
            raise CommandError(f"The object store was adopted, but {UNREACHABLE % error.code}") from error
        except MarkerUnreadableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"This database now owns the object store as {settings.INSTALLATION_ID}.")

    def _describe(self, plan: AdoptionPlan) -> None:
        row = f"{plan.row.name}, counter {plan.row.counter}" if plan.row else "no installation"
        marker = f"{plan.marker.installation}, counter {plan.marker.counter}" if plan.marker else "no installation"
        lines = [
            f"Installation:  {settings.INSTALLATION_ID}",
            f"Database:      {row}",
            f"Object store:  {marker}",
            f"Reason:        {plan.problem or 'resources at OpenAI name no installation yet'}",
            f"Recordings:    {plan.folders} folders of audio. Of these:",
            f"               {plan.orphans} are not needed by any row. They are deleted after "
            f"{settings.REAP_GRACE / 86_400:g} days, {settings.REAP_SHARE:g}% of all folders a day.",
            f"               {plan.foreign_folders} belong to organizations unknown to this database. They are kept.",
        ]
        if remote := plan.remote:
            lines.append(
                f"OpenAI:        {len(remote.stores)} vector stores and "
                f"{len(remote.attached) + len(remote.files)} files of this database name no "
                "installation and will be assigned to this one."
            )
            lines.append(
                f"               {remote.unneeded} that name this installation are not needed by any row. They are "
                "deleted after the same time. If another database uses them, choose another INSTALLATION_ID."
            )
            lines += [f"               Some belong to {name} and are left alone." for name in sorted(remote.others)]
        self.stdout.write("\n".join(lines))

    def _is_confirmed(self) -> bool:
        self.stdout.write("Type the installation's id to adopt all of this: ", ending="")
        self.stdout.flush()
        return sys.stdin.readline().strip() == settings.INSTALLATION_ID
