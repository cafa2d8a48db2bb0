import asyncio
import weakref
from contextlib import suppress
from uuid import uuid4

from tests.voicegateway.fakes import run_pending_tasks
from voicegateway.process.call_registry import CallRegistry


async def schedule_and_cancel_expiry(registry: CallRegistry) -> "weakref.ref[asyncio.Task[None]]":
    """Schedule an expiry, cancel its task, and return a weak reference, so that only the registry can keep the task."""
    others = asyncio.all_tasks()
    registry.schedule_expiry(uuid4(), 1)
    [task] = asyncio.all_tasks() - others
    await run_pending_tasks()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return weakref.ref(task)


async def test_registry_releases_finished_tasks(settings):
    settings.LINE_KEPT_FOR = 3600
    registry = CallRegistry()

    task = await schedule_and_cancel_expiry(registry)
    await run_pending_tasks()

    assert task() is None
    await registry.openai.close()
