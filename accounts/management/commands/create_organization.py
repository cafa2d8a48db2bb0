"""Command that creates an organization and its first administrator."""

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import Organization, User


class Command(BaseCommand):
    help = "Creates a crisis center and its first administrator. The password is asked for, or read from a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the organization's name")
        parser.add_argument("email", help="what its administrator logs in with")

    def handle(self, *args: Any, name: str, email: str, **options: Any) -> None:
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_email(email)
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            with transaction.atomic():
                organization = Organization.objects.create(name=name)
                User.objects.create_user(email, password, organization=organization, role=User.Role.ADMIN)
        except IntegrityError as error:
            raise CommandError("This name or this e-mail address is taken already. Nothing was created.") from error
        self.stdout.write(f"{name} is there. {email} may now add its people and accounts.")
