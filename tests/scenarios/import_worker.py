"""A process that writes one import: `python -m tests.scenarios.import_worker <job id>`."""

import sys
from uuid import UUID

import django

django.setup()

from scenarios.services.import_writing import write_import  # noqa: E402

write_import(UUID(sys.argv[1]))
