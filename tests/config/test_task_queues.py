"""Queues of tasks: each task has one, and each queue has a worker."""

import argparse

import pytest
from django.conf import settings

from config.celery import app
from config.worker import parse_arguments

PROCFILE = (settings.BASE_DIR / "Procfile").read_text()


def own_tasks() -> list[str]:
    app.loader.import_default_modules()
    app.finalize()
    return sorted(name for name in app.tasks if not name.startswith("celery."))


def test_every_task_is_routed_to_a_known_queue():
    routes = settings.CELERY_TASK_ROUTES

    assert own_tasks() == sorted(routes)
    assert {route["queue"] for route in routes.values()} == set(settings.QUEUES)


def test_task_is_sent_to_its_own_queue_only():
    sent_to = {name: app.amqp.router.route({}, name)["queue"] for name in own_tasks()}

    assert {name: queue.name for name, queue in sent_to.items()} == {
        name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()
    }
    keys = {queue.name: (queue.exchange.name, queue.routing_key) for queue in app.amqp.queues.values()}
    assert len(set(keys.values())) == len(settings.QUEUES)


def test_schedule_names_only_known_tasks():
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(own_tasks())


def test_sweeps_do_not_wait_behind_the_work_they_rescue():
    queues = {name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()}

    assert queues["training.tasks.sweep_greetings"] != queues["training.tasks.prepare_greeting"]
    assert {queues[name] for name in queues if name.split(".")[-1].startswith("sweep_")} <= {
        "sweeps",
        "imports",
        "mails",
    }


def test_procfile_has_a_worker_for_each_queue_in_order():
    lines = dict(line.split(": ", 1) for line in PROCFILE.splitlines() if not line.startswith("#"))
    served = {name: parse_arguments(lines[name].split()[3:]).queues for name in ("worker", "worker_outside")}

    assert served == {"worker": ["greetings", "sweeps", "grades", "imports"], "worker_outside": ["webhooks", "mails"]}
    assert tuple(served["worker"] + served["worker_outside"]) == settings.QUEUES


def test_worker_refuses_unknown_queues(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--queues", "greetings,grade"])

    assert "unknown queues: 'grade'" in capsys.readouterr().err
    assert isinstance(parse_arguments([]), argparse.Namespace)


def test_one_organization_leaves_room_in_every_queue():
    shared = set(settings.QUEUES) - {"sweeps"}

    assert [name for name in shared if settings.ORGANIZATION_LIMITS[name] >= settings.WORKER_PROCESSES[name]] == []
