import asyncio
import weakref
from contextlib import suppress
from uuid import uuid4

from tests.voicegateway.fakes import run_pending_tasks
from voicegateway.process.call_registry import CallRegistry


async def begin_and_cancel_expiry(registry: CallRegistry) -> "weakref.ref[asyncio.Task[None]]":
    """Let the registry start a task, cancel it, and return a weak reference: then only the registry can keep it."""
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

    task = await begin_and_cancel_expiry(registry)
    await run_pending_tasks()

    assert task() is None
    await registry.openai.close()
