"""Median load times of every page with 10,000 and with 100,000 sessions in PostgreSQL, printed as JSON.

`python -m benchmarks.pages DATABASE_URL`. Both databases have the same people and scenarios and cover the same year.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.scenario_imports import set_up

FEW, MANY = 10_000, 100_000
PEOPLE_COUNT, SCENARIO_COUNT, DAYS = 400, 200, 365
VISITS, ROUNDS = 25, 5
FOR_ADMINS = [
    "/", "/sessions/", "/sessions/?q=Last5", "/assignments/", "/assignments/?status=completed", "/feedback/",
    "/feedback/?grade=B", "/flags/", "/reviews/", "/attention/", "/team/", "/team/?q=first1", "/live/",
    "/training/library/", "/api/sessions/", "/api/evaluations/", "/api/assignments/", "/api/flags/", "/api/disputes/",
    "/api/team/", "/api/attention/", "/api/people/?search=last5",
]  # fmt: skip
FOR_COUNSELORS = ["/", "/sessions/", "/progress/", "/progress/risk/", "/api/sessions/", "/api/progress/"]
SIZES = {"few": FEW, "many": MANY}

PageTimes = dict[str, float]  # median milliseconds by page


def main(url: str) -> dict[str, PageTimes]:
    with tempfile.TemporaryDirectory() as scratch:
        for name in SIZES:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
        set_up(Path(scratch), url.rsplit("/", 1)[0] + "/few")
        return measure()


def measure() -> dict[str, PageTimes]:
    """Return the median page times for each database size, keyed by its number of sessions.

    The sizes alternate, so that noise affects both equally.
    """
    from django.conf import settings  # noqa: PLC0415  (Django is set up by now)
    from django.core.management import call_command  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["testserver"]
    use_database("many")
    call_command("migrate", verbosity=0)
    visits = {size: fill_database(size) for size in SIZES}
    taken: dict[str, dict[str, list[float]]] = {size: {} for size in SIZES}
    for name in visits["few"]:
        for _ in range(ROUNDS):
            for size in SIZES:
                use_database(size)
                client, path = visits[size][name]
                taken[size].setdefault(name, []).extend(time_visits(client, path))
    return {
        str(SIZES[size]): {name: round(1000 * statistics.median(times), 2) for name, times in found.items()}
        for size, found in taken.items()
    }


def use_database(name: str) -> None:
    """Switch the connection to this database."""
    from django.db import connection  # noqa: PLC0415

    connection.close()
    connection.settings_dict["NAME"] = name


def time_visits(client: Any, path: str) -> list[float]:
    """Return the seconds of several visits, after one unmeasured visit that opens the connection."""
    times = []
    for _ in range(1 + VISITS // ROUNDS):
        begun = time.perf_counter()
        response = client.get(path)
        assert response.status_code == 200, path
        times.append(time.perf_counter() - begun)
    return times[1:]


def fill_database(size: str) -> dict[str, tuple[Any, str]]:
    """Fill a database and return its pages: the client and the path by page name."""
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from accounts.models import Organization, User  # noqa: PLC0415
    from tests.support.bulk_data import add_people, add_practice, add_scenarios  # noqa: PLC0415
    from training.models import Session  # noqa: PLC0415

    use_database(size)
    center = Organization.objects.create(name="Measured")
    admin = User.objects.create_user("admin@example.org", organization=center, role="admin")
    people, scenarios = add_people(center, PEOPLE_COUNT), add_scenarios(center, SCENARIO_COUNT)
    add_practice(center, people, scenarios, SIZES[size], DAYS, admin)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    admin_client, counselor_client = Client(), Client()
    admin_client.force_login(admin)
    counselor_client.force_login(people[0])
    session_id = Session.objects.filter(counselor=people[0]).order_by("started_at").values_list("pk", flat=True)[0]
    visits: dict[str, tuple[Any, str]] = {path: (admin_client, path) for path in FOR_ADMINS}
    visits["a session"] = (admin_client, f"/sessions/{session_id}/")
    return visits | {f"counselor {path}": (counselor_client, path) for path in FOR_COUNSELORS}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
