"""Runner that executes conformance scripts against the product and reports the results."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from ..http.server import MAX_EVENT_BYTES, AbortableHTTPProtocol, AbortableWebSocketProtocol
from .expectations import ExpectationError
from .product import ProductProcess
from .scripted_call import ScriptedCall
from .scripted_openai import ScriptedOpenAI
from .scripts import barge_in, connection_losses, events, responses, transcripts

ConformanceScript = Callable[[ScriptedCall], Coroutine[Any, Any, None]]
CHAPTERS: dict[str, Sequence[ConformanceScript]] = {
    "Transcripts": transcripts.SCRIPTS,
    "Barge-in": barge_in.SCRIPTS,
    "Responses": responses.SCRIPTS,
    "Events": events.SCRIPTS,
    "Connection losses": connection_losses.SCRIPTS,
}
SCRIPT_TIMEOUT = 120.0  # seconds for one script


@dataclass
class ScriptResult:
    name: str
    proves: str
    broken: str
    seconds: float

    @property
    def has_passed(self) -> bool:
        return not self.broken

    def __str__(self) -> str:
        verdict = "pass" if self.has_passed else "FAIL"
        line = f"  {verdict}  {self.name:<38} {self.seconds:5.1f} s  {self.proves}"
        return line if self.has_passed else f"{line}\n        {self.broken}"


async def run_script(script: ConformanceScript, product: ProductProcess, upstream: ScriptedOpenAI) -> ScriptResult:
    call = ScriptedCall(product, upstream)
    began, broken = time.monotonic(), ""
    try:
        async with asyncio.timeout(SCRIPT_TIMEOUT):
            await script(call)
    except ExpectationError as error:
        broken = f"expected: {error}"
    except TimeoutError:
        broken = f"expected: the script finishes within {SCRIPT_TIMEOUT:g} s"
    except Exception as error:
        broken = f"the script failed with {type(error).__name__}: {error}"
    finally:
        await call.close()
    return ScriptResult(script.__name__, (script.__doc__ or "").strip(), broken, time.monotonic() - began)


@asynccontextmanager
async def running_product() -> AsyncIterator[tuple[ProductProcess, ScriptedOpenAI]]:
    """Start the demo with a scripted OpenAI behind it, log its counselor in, and yield both."""
    upstream = ScriptedOpenAI()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                upstream,
                http=AbortableHTTPProtocol,
                ws=AbortableWebSocketProtocol,
                ws_max_size=MAX_EVENT_BYTES,
                ws_per_message_deflate=False,
                lifespan="off",
                log_level="critical",
                access_log=False,
            )
        )
        server.capture_signals = _no_signals  # type: ignore[method-assign,assignment]  # this process handles Ctrl-C itself
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        with (
            tempfile.TemporaryDirectory(prefix="steadyline-conformance-") as folder,
            ProductProcess(Path(folder), f"http://127.0.0.1:{port}/v1") as product,
        ):
            await product.wait_until_ready()
            yield product, upstream
        server.should_exit = server.force_exit = True
        await serving


async def run_scripts(
    chapters: Mapping[str, Sequence[ConformanceScript]], product: ProductProcess, upstream: ScriptedOpenAI
) -> list[ScriptResult]:
    """Run every script against the product, one after another."""
    results = []
    for chapter, scripts in chapters.items():
        print(f"\n{chapter}" if scripts else "", flush=True)
        for script in scripts:
            results.append(await run_script(script, product, upstream))
            print(results[-1], flush=True)
    return results


class _no_signals:  # noqa: N801  (replaces a method)
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def select_scripts(only: Sequence[str]) -> dict[str, Sequence[ConformanceScript]]:
    known = {script.__name__ for scripts in CHAPTERS.values() for script in scripts}
    if unknown := set(only) - known:
        raise SystemExit(f"Unknown script: {', '.join(sorted(unknown))}. Use --list to see all scripts.")
    return {
        chapter: [script for script in scripts if not only or script.__name__ in only]
        for chapter, scripts in CHAPTERS.items()
    }
