"""All conformance scripts against the real product, and the suite's own reports."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from standins.openai.conformance.__main__ import main, report
from standins.openai.conformance.expectations import TIMEOUT, ExpectationError, expect
from standins.openai.conformance.product import ProductProcess
from standins.openai.conformance.runner import CHAPTERS, run_script, run_scripts, running_product, select_scripts
from standins.openai.conformance.scripted_openai import ScriptedOpenAI
from standins.openai.conformance.scripts import connection_losses

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = [script for scripts in CHAPTERS.values() for script in scripts]
NAMES = [script.__name__ for script in SCRIPTS]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product() -> AsyncIterator[tuple[ProductProcess, ScriptedOpenAI]]:
    """Yield the product and the scripted OpenAI behind it, shared by all scripts."""
    async with running_product() as both:
        yield both


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Keep the order of events but not their speed: other tests keep the machine busy."""
    for name in ("NOTICE_DEADLINE", "RECOVERY_DEADLINE"):
        monkeypatch.setattr(connection_losses, name, TIMEOUT)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
async def test_product_passes(script, product):
    result = await run_script(script, *product)

    assert result.broken == ""


@pytest.mark.asyncio(loop_scope="session")
async def test_report_writes_a_scorecard_and_returns_success(product, tmp_path, capsys):
    scorecard = tmp_path / "card.json"

    status = report(await run_scripts(select_scripts([NAMES[0]]), *product), scorecard)

    assert [(one["name"], one["broken"]) for one in json.loads(scorecard.read_text())] == [(NAMES[0], "")]
    assert "1 scripts: 1 passed, 0 failed" in capsys.readouterr().out
    assert status == 0


@pytest.mark.prove
def test_command_writes_a_scorecard_and_exits_with_success(tmp_path):
    scorecard = tmp_path / "card.json"

    command = [sys.executable, "-m", "standins.openai.conformance", "--only", NAMES[0], "--json", str(scorecard)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)

    assert [(one["name"], one["broken"]) for one in json.loads(scorecard.read_text())] == [(NAMES[0], "")]
    assert "1 scripts: 1 passed, 0 failed" in run.stdout
    assert run.returncode == 0


def test_list_shows_every_script_with_its_docstring(capsys):
    main(["--list"])
    listed = capsys.readouterr().out

    assert len(NAMES) >= 50
    assert len(set(NAMES)) == len(NAMES)
    assert all(script.__doc__ for scripts in CHAPTERS.values() for script in scripts)
    assert [name for name in NAMES if name not in listed] == []


def test_only_refuses_an_unknown_script():
    with pytest.raises(SystemExit, match="Unknown script: nonsense"):
        main(["--only", "nonsense"])


def test_select_scripts_returns_only_the_named_ones():
    chapters = select_scripts([NAMES[0], NAMES[-1]])

    assert [script.__name__ for scripts in chapters.values() for script in scripts] == [NAMES[0], NAMES[-1]]


class UnreachableProduct:
    """Product that cannot be reached."""

    async def call_api(self, method: str, path: str, body: object = None) -> dict:
        raise ConnectionError("connection refused")


async def failing_script(call) -> None:
    """One and one are three."""
    expect(1 + 1 == 3, "one and one are three")


async def script_without_a_product(call) -> None:
    """The script starts."""
    await call.open_call()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (failing_script, "expected: one and one are three"),
        (script_without_a_product, "the script failed with ConnectionError"),
    ],
)
async def test_run_script_reports_a_failed_expectation_or_error(script, words):
    result = await run_script(script, UnreachableProduct(), ScriptedOpenAI())

    assert not result.has_passed
    assert words in result.broken
    assert "FAIL" in str(result) and words in str(result)


def test_expect_raises_only_for_a_falsy_value():
    expect([1], "something")
    with pytest.raises(ExpectationError, match="something"):
        expect([], "something")
