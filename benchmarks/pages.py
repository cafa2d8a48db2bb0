"""Opens every page with so many sessions in PostgreSQL, then with ten times as many, and prints medians as JSON.

`python -m benchmarks.pages DATABASE_URL`. The same people and scenarios over the same year: ten times as busy.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.imports import set_up

FEW, MANY = 10_000, 100_000
PEOPLE, SCENARIOS, DAYS = 400, 200, 365
REPEATS = 25
FOR_ADMINS = [
    "/", "/sessions/", "/sessions/?q=Last5", "/assignments/", "/assignments/?status=completed", "/feedback/",
    "/feedback/?grade=B", "/flags/", "/reviews/", "/attention/", "/team/", "/team/people/?q=first1", "/live/",
    "/training/library/", "/api/sessions/", "/api/evaluations/", "/api/assignments/", "/api/flags/", "/api/disputes/",
    "/api/team/", "/api/attention/", "/api/people/?search=last5",
]  # fmt: skip
FOR_COUNSELORS = ["/", "/sessions/", "/progress/", "/progress/risk/", "/api/sessions/", "/api/progress/"]


def medians(client: Any, paths: list[str], extra: list[str]) -> dict[str, float]:
    """Milliseconds, the median of REPEATS."""
    found = {}
    for path in [*paths, *extra]:
        name = path if path in paths else f"{path[:10]}…"
        taken = []
        for number in range(REPEATS + 3):
            begun = time.perf_counter()
            response = client.get(path)
            assert response.status_code == 200, path
            if number >= 3:  # what is read once and kept
                taken.append(time.perf_counter() - begun)
        found[name] = round(1000 * statistics.median(taken), 2)
    return found


def main(url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ALLOWED_HOSTS"] = "testserver"
        set_up(Path(scratch), url)
        return measure()


def measure() -> dict[str, Any]:
    from django.conf import settings  # noqa: PLC0415  (Django is set up by now)
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from accounts.models import Organization, User  # noqa: PLC0415
    from tests.many import add_people, add_practice, add_scenarios  # noqa: PLC0415
    from training.models import Session  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["testserver"]
    center = Organization.objects.create(name="Measured")
    admin = User.objects.create_user("admin@example.org", organization=center, role="admin")
    people, scenarios = add_people(center, PEOPLE), add_scenarios(center, SCENARIOS)
    clients = {who: Client() for who in ("admin", "counselor")}
    clients["admin"].force_login(admin)
    clients["counselor"].force_login(people[0])
    measured: dict[str, Any] = {}
    for size in (FEW, MANY):
        begin = Session.objects.count()
        add_practice(center, people, scenarios, size - begin, DAYS, admin)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        own = Session.objects.filter(counselor=people[0]).order_by("started_at").values_list("pk", flat=True)[0]
        measured[str(size)] = medians(clients["admin"], FOR_ADMINS, [f"/sessions/{own}/"]) | {
            f"counselor {path}": ms for path, ms in medians(clients["counselor"], FOR_COUNSELORS, []).items()
        }
    return measured


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
