"""Reading what a stranger made: in a program of its own, with hard limits, that can be ended whatever it does."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class ChildEnded(Exception):
    """The program ran into a limit: `too_slow` or `too_large`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def ask_child(program: Path, content: bytes, arguments: Sequence[str], seconds: float) -> Any:
    """What a program says of the content on its standard input, as JSON. Raises ChildEnded.

    Its arguments are followed by its CPU seconds. It gets none of our secrets and no folder.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", str(program), *arguments, str(math.ceil(seconds))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # warnings quote the document
        env={},  # none of our secrets
        cwd="/",
        start_new_session=True,
    )
    try:
        said, _ = child.communicate(content, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ChildEnded("too_slow") from error
    finally:
        _end(child)
    if child.returncode < 0:
        raise ChildEnded("too_slow" if child.returncode == -signal.SIGXCPU else "too_large")
    if child.returncode:
        raise RuntimeError(f"{program.name} ended with status {child.returncode}.")
    return json.loads(said)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Leave no child and no pipe behind, whatever happened."""
    with child:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
