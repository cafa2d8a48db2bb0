"""The conformance suite: all of it against the real product, and that it can fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openai_standin.conformance.__main__ import CHAPTERS, chosen, play
from openai_standin.conformance.expectation import Broken, expect
from openai_standin.conformance.upstream import Upstream

ROOT = Path(__file__).resolve().parents[2]
NAMES = [script.__name__ for scripts in CHAPTERS.values() for script in scripts]


def suite(*arguments: str, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "openai_standin.conformance", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.once
@pytest.mark.timeout(260)
def test_the_product_passes_every_script(tmp_path):
    card = tmp_path / "card.json"

    run = suite("--json", str(card))

    results = json.loads(card.read_text())
    assert [result["name"] for result in results] == NAMES
    assert {result["name"]: result["broken"] for result in results if result["broken"]} == {}, run.stdout
    assert f"{len(NAMES)} scripts: {len(NAMES)} passed, 0 failed" in run.stdout
    assert run.returncode == 0


def test_there_are_many_scripts_each_with_a_name_and_what_it_proves():
    listed = suite("--list").stdout

    assert len(NAMES) >= 50
    assert len(set(NAMES)) == len(NAMES)
    assert all(script.__doc__ for scripts in CHAPTERS.values() for script in scripts)
    assert [name for name in NAMES if name not in listed] == []


def test_a_name_that_is_none_is_refused():
    run = suite("--only", "nonsense")

    assert run.returncode != 0
    assert "no script named nonsense" in run.stderr


def test_some_can_be_chosen():
    chapters = chosen([NAMES[0], NAMES[-1]])

    assert [script.__name__ for scripts in chapters.values() for script in scripts] == [NAMES[0], NAMES[-1]]


class Nowhere:
    """A product that is not there."""

    async def api(self, method: str, path: str, body: object = None) -> dict:
        raise ConnectionError("nobody is there")


async def broken_promise(stage) -> None:
    """It keeps what it promised."""
    expect(1 + 1 == 3, "one and one are three")


async def hopeless(stage) -> None:
    """It begins."""
    await stage.begin()


@pytest.mark.parametrize(
    ("script", "words"),
    [(broken_promise, "expected: one and one are three"), (hopeless, "the script could not be played")],
)
async def test_what_the_product_does_not_do_stands_on_the_card(script, words):
    result = await play(script, Nowhere(), Upstream())

    assert not result.has_passed
    assert words in result.broken
    assert "FAIL" in str(result) and words in str(result)


def test_an_expectation_that_is_met_says_nothing():
    expect([1], "something")
    with pytest.raises(Broken, match="something"):
        expect([], "something")
