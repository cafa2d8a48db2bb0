"""Parts of the demo on their own."""

import threading

import pytest

from config.launcher.components import StoppableThreadPool


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
