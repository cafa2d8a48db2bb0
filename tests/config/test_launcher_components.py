"""Parts of the demo on their own."""

import threading

import pytest
from celery.platforms import EX_FAILURE
from celery.worker.consumer.tasks import Tasks

from config.celery import build_app
from config.launcher.components import QueueWorker, StoppableThreadPool


@pytest.fixture
def pool():
    pool = StoppableThreadPool(limit=1)
    pool.start()
    yield pool
    pool.stop()


def test_stopping_pool_drops_tasks_without_an_error(pool):
    has_run = threading.Event()

    pool.apply_async(has_run.set).wait(60)
    pool.stop()
    dropped = pool.apply_async(lambda: pytest.fail("ran after the stop"))
    dropped.wait()

    assert has_run.is_set()
    assert dropped.f.cancelled()


def test_running_pool_does_not_hide_errors(pool):
    pool.executor.shutdown()

    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.apply_async(print)


def test_worker_that_is_still_starting_stops_without_an_error(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    has_begun, may_go_on = threading.Event(), threading.Event()
    qos_global = Tasks.qos_global

    def wait_in_the_middle(step, consumer):
        has_begun.set()
        may_go_on.wait(60)
        return qos_global(step, consumer)

    monkeypatch.setattr(Tasks, "qos_global", wait_in_the_middle)
    worker = QueueWorker(build_app(), "greetings")
    stopping = threading.Thread(target=worker.stop)
    worker.thread.start()
    has_begun.wait(60)
    stopping.start()
    stopping.join(0.3)  # time in which it must not stop anything
    may_go_on.set()
    stopping.join(60)
    worker.thread.join(60)

    assert (stopping.is_alive(), worker.thread.is_alive()) == (False, False)
    assert worker.controller.exitcode != EX_FAILURE
