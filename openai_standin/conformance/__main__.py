"""Hostile scripts against the product as anyone runs it: `python -m openai_standin.conformance`."""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn

from ..server import LARGEST_EVENT, CuttableHTTP, CuttableWebSocket
from . import events, interruptions, losses, responses, transcripts
from .expectation import Broken
from .product import Product
from .stage import Stage
from .upstream import Upstream

Script = Callable[[Stage], Coroutine[Any, Any, None]]
CHAPTERS: dict[str, Sequence[Script]] = {
    "What is understood": transcripts.SCRIPTS,
    "Who interrupts whom": interruptions.SCRIPTS,
    "Answers": responses.SCRIPTS,
    "Events": events.SCRIPTS,
    "The connection": losses.SCRIPTS,
}
LONGEST = 40.0  # seconds for one script


@dataclass
class Result:
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


async def play(script: Script, product: Product, upstream: Upstream) -> Result:
    stage = Stage(product, upstream)
    began, broken = time.monotonic(), ""
    try:
        async with asyncio.timeout(LONGEST):
            await script(stage)
    except Broken as complaint:
        broken = f"expected: {complaint}"
    except TimeoutError:
        broken = f"expected: to be over within {LONGEST:g} s"
    except Exception as error:
        broken = f"the script could not be played: {type(error).__name__}: {error}"
    finally:
        await stage.leave()
    return Result(script.__name__, (script.__doc__ or "").strip(), broken, time.monotonic() - began)


async def play_all(chapters: Mapping[str, Sequence[Script]]) -> list[Result]:
    """Start the product once, and play every script against it, one after another."""
    upstream, results = Upstream(), []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                upstream,
                http=CuttableHTTP,
                ws=CuttableWebSocket,
                ws_max_size=LARGEST_EVENT,
                ws_per_message_deflate=False,
                lifespan="off",
                log_level="critical",
                access_log=False,
            )
        )
        server.capture_signals = _no_signals  # type: ignore[method-assign,assignment]  # Ctrl-C is ours
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        with (
            tempfile.TemporaryDirectory(prefix="steadyline-conformance-") as folder,
            Product(Path(folder), f"http://127.0.0.1:{port}/v1") as product,
        ):
            await product.start()
            for chapter, scripts in chapters.items():
                print(f"\n{chapter}" if scripts else "", flush=True)
                for script in scripts:
                    results.append(await play(script, product, upstream))
                    print(results[-1], flush=True)
        server.should_exit = server.force_exit = True
        await serving
    return results


class _no_signals:  # noqa: N801  (stands for a method)
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def chosen(only: Sequence[str]) -> dict[str, Sequence[Script]]:
    known = {script.__name__ for scripts in CHAPTERS.values() for script in scripts}
    if unknown := set(only) - known:
        raise SystemExit(f"There is no script named {', '.join(sorted(unknown))}; --list names them all.")
    return {
        chapter: [script for script in scripts if not only or script.__name__ in only]
        for chapter, scripts in CHAPTERS.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m openai_standin.conformance", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="play these alone")
    parser.add_argument("--list", action="store_true", help="name the scripts and what each proves")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scorecard there, too")
    asked = parser.parse_args(arguments)
    chapters = chosen(asked.only)
    if asked.list:
        for chapter, scripts in chapters.items():
            print(f"\n{chapter}")
            for script in scripts:
                print(f"  {script.__name__:<38} {(script.__doc__ or '').strip()}")
        return 0
    results = asyncio.run(play_all(chapters))
    passed = sum(result.has_passed for result in results)
    print(f"\n{len(results)} scripts: {passed} passed, {len(results) - passed} failed")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
