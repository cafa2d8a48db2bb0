"""Run the conformance scripts against the product: `python -m standins.openai.conformance`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from .runner import ConformanceScript, ScriptResult, run_scripts, running_product, select_scripts


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m standins.openai.conformance", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="run only these scripts")
    parser.add_argument("--list", action="store_true", help="list the scripts and what each one checks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    options = parser.parse_args(arguments)
    chapters = select_scripts(options.only)
    if options.list:
        for chapter, scripts in chapters.items():
            print(f"\n{chapter}")
            for script in scripts:
                print(f"  {script.__name__:<38} {(script.__doc__ or '').strip()}")
        return 0
    return report(asyncio.run(run_on_new_product(chapters)), options.json)


async def run_on_new_product(chapters: Mapping[str, Sequence[ConformanceScript]]) -> list[ScriptResult]:
    async with running_product() as (product, upstream):
        return await run_scripts(chapters, product, upstream)


def report(results: Sequence[ScriptResult], path: Path | None) -> int:
    """Print the totals, write the results to `path`, and return the exit status."""
    passed = sum(result.has_passed for result in results)
    print(f"\n{len(results)} scripts: {passed} passed, {len(results) - passed} failed")
    if path:
        path.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
