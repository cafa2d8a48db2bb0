"""The attacks of one organization and of strangers, all at once, beside a quiet organization."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection

from benchmarks.report import describe_machine, write_section
from evaluation.models import Evaluation
from tests.joint_attack.attack_process import AttackProcess, plan_attack
from tests.joint_attack.centers import HISTORY, NoisyCenter, QuietCenter
from tests.joint_attack.installation import Installation, RedisServer
from tests.joint_attack.quiet_practice import QuietPractice, Times
from tests.recordings.object_stores import new_bucket, storage_url, use_bucket
from tests.standins.openai.standin_process import StandinProcess
from tests.support.fixtures import *  # noqa: F403
from tests.support.servers import free_port
from tests.support.store_owner import own_store
from tests.voicegateway.gateway_process import wait_until
from training.models import Session

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

COUNSELORS = 3  # of the quiet organization
ROUNDS = 15  # in which they practice, without the attack and during it
AWAY = 6.0  # seconds without Redis
TARGET = 1.5  # times as long as without the attack
LIMIT = 4.0  # in the median; the ratios depend on how idle the two cores were before the attack
NAMES = ("greeting", "grade", "reply", "dashboard", "feedback page")
TEXT = """The installation runs as the Procfile says, with PostgreSQL, Redis, and simulations of OpenAI and S3, all
on this machine. The attack gets {requests:,} responses. It consists of texts that are expensive to
search, 110 waiting and 250 plain requests of one counselor that are repeated at once, webhooks to a
receiver that sends its response very slowly, imports of 100 rows, ten calls that end together, 1,722
typed lines in a call, and, from strangers, 150 half-sent bodies, 20 bodies of 20 MB, and 200 sockets
with forged tickets. Its client runs at the lowest priority, because it would run on other machines. A
person of another organization practices meanwhile, {rounds} times before the attack and {rounds} times
during it. The table shows the median and the 90th percentile in milliseconds. Everything shares the
machine's cores, which are full during the attack. The target is {target} times as long."""
WINDOWS = """While Redis was away for {away:.0f} s of the attack, and until it worked again, the longest greeting took
{redis_greeting:.1f} s, the longest grade {redis_grade:.1f} s, and the median page {redis_page:.0f} ms. When the worker
was killed (-9) and started again, they were {worker_greeting:.1f} s, {worker_grade:.1f} s, and {worker_page:.0f} ms.
No request failed, and every session got its first line and its grade."""


@dataclass
class Measured:
    """Times of the quiet counselors in each part of the run."""

    before: Times
    during: Times
    without_redis: Times
    after_kill: Times

    def ratios(self, name: str) -> tuple[float, float]:
        """Return how many times as long it took during the attack, as median and as 90th percentile."""
        return (
            self.during.median(name) / self.before.median(name),
            self.during.ninetieth(name) / self.before.ninetieth(name),
        )

    def table(self) -> str:
        lines = [
            "| | before | during the attack | ratio of medians | of 90th percentiles |",
            "|---|---:|---:|---:|---:|",
        ]
        for name in NAMES:
            cells = [f"{1000 * t.median(name):.0f}, {1000 * t.ninetieth(name):.0f}" for t in (self.before, self.during)]
            lines.append(f"| {name} | {' | '.join(cells)} | {' | '.join(f'{r:.2f}' for r in self.ratios(name))} |")
        return "\n".join(lines)


async def practice_meanwhile(practice: QuietPractice, disturb: Callable[[], None], pause: float) -> Times:
    """Let the quiet counselors practice while `disturb` runs in a thread and until `pause` seconds after it."""
    times, over = Times(), asyncio.Event()
    practicing = asyncio.create_task(practice.practice_until(over, times))
    await asyncio.to_thread(disturb)
    await asyncio.sleep(pause)
    over.set()
    await practicing
    return times


def measure(practice: QuietPractice, begun: int, run: Callable[[], Times]) -> Times:
    """Return the times that `run` measures, with those that the database knows. `begun` sessions came before."""
    times = run()
    practice.read_stored_times(practice.sessions[begun:], times)
    connection.close()
    return times


@pytest.mark.usefixtures("transactional_db")
def test_quiet_organization_is_served_during_an_attack(standin, s3_url, settings, tmp_path):
    bucket = new_bucket(s3_url)
    use_bucket(settings, bucket)
    own_store()
    receiver_port = free_port()
    quiet, noisy = QuietCenter(COUNSELORS), NoisyCenter(receiver_port)
    options = {"WEBHOOKS_TO_PRIVATE": "true", "WEBHOOK_PORTS": str(receiver_port)}
    with (
        RedisServer() as broker,
        StandinProcess("--index-lag", "0") as calls_standin,
        Installation(
            tmp_path, standin.base_url, calls_standin.base_url, storage_url(bucket), broker.url, **options
        ) as site,
    ):
        os.setpriority(os.PRIO_PROCESS, calls_standin.process.pid, 19)  # it would run on another machine
        practice = QuietPractice(site.web, quiet.logins, quiet.scenario.pk)
        graded = Evaluation.objects.graded().filter(organization=quiet.organization)
        wait_until(lambda: graded.count() == COUNSELORS * HISTORY, "the earlier chats are graded")
        measured, attack = run_attack(site, broker, practice, AttackProcess(plan_attack(site, noisy, receiver_port)))

    report = f"{describe_machine()}\n\n{describe(measured, attack)}"
    print(report, attack.outcomes, sep="\n")
    write_section("A quiet organization beside an attack", report)
    sessions = Session.objects.filter(organization=quiet.organization, pk__in=practice.sessions)
    assert practice.failures == []
    assert sessions.filter(evaluations__status=Evaluation.Status.COMPLETED).count() == len(practice.sessions)
    assert {name: measured.ratios(name) for name in NAMES if measured.ratios(name)[0] > LIMIT} == {}


def run_attack(
    site: Installation, broker: RedisServer, practice: QuietPractice, attack: AttackProcess
) -> tuple[Measured, AttackProcess]:
    def take_redis_away() -> None:
        broker.stop()
        wait_until_passed(AWAY)
        broker.start()

    def kill_worker() -> None:
        site.kill_worker()
        site.start_worker()

    def practice_rounds(rounds: int) -> Times:
        times = Times()
        asyncio.run(practice.practice(rounds, times))
        return times

    def during(disturb: Callable[[], None]) -> Times:
        return measure(
            practice, len(practice.sessions), lambda: asyncio.run(practice_meanwhile(practice, disturb, AWAY))
        )

    practice_rounds(COUNSELORS)  # each of them is known to the server afterward
    before = measure(practice, len(practice.sessions), lambda: practice_rounds(ROUNDS))
    with attack:
        practice_rounds(COUNSELORS)  # while the attack begins
        throughout = measure(practice, len(practice.sessions), lambda: practice_rounds(ROUNDS))
        return Measured(before, throughout, during(take_redis_away), during(kill_worker)), attack


def wait_until_passed(seconds: float) -> None:
    asyncio.run(asyncio.sleep(seconds))


def describe(measured: Measured, attack: AttackProcess) -> str:
    responses = sum(sum(counts.values()) for counts in attack.outcomes.values())
    pages = {
        name: 1000 * times.median("dashboard")
        for name, times in (("redis", measured.without_redis), ("worker", measured.after_kill))
    }
    windows = WINDOWS.format(
        away=AWAY,
        redis_greeting=measured.without_redis.longest("greeting"),
        redis_grade=measured.without_redis.longest("grade"),
        redis_page=pages["redis"],
        worker_greeting=measured.after_kill.longest("greeting"),
        worker_grade=measured.after_kill.longest("grade"),
        worker_page=pages["worker"],
    )
    return "\n\n".join([TEXT.format(requests=responses, rounds=ROUNDS, target=TARGET), measured.table(), windows])
