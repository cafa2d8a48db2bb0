"""Command that creates an organization and its first administrator."""

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services.ownership import is_setup_refused, set_up_ownership
from accounts.web.visible_text import is_blank


class Command(BaseCommand):
    help = "Creates an organization and its first admin. Prompts for the password, or reads it from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help=_("name of the organization"))
        parser.add_argument("email", help=_("email address that the admin logs in with"))

    def handle(self, *args: Any, name: str, email: str, **options: Any) -> None:
        password = getpass.getpass(_("Password: ")) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        if is_blank(name):
            raise CommandError(_("Enter a name for the organization."))
        try:
            validate_email(email)
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        problem = set_up_ownership()
        if problem and is_setup_refused():
            raise CommandError(_("%(problem)s Nothing was created.") % {"problem": problem})
        try:
            with transaction.atomic():
                organization = Organization.objects.create(name=name)
                User.objects.create_user(email, password, organization=organization, role=User.Role.ADMIN)
        except IntegrityError as error:
            raise CommandError(_("This name or email address is already taken. Nothing was created.")) from error
        message = _("Created %(name)s. %(email)s can now log in and add people and accounts.")
        self.stdout.write(message % {"name": name, "email": email})
