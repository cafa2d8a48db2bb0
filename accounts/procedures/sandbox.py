"""Runner for programs that read untrusted files, in a process with hard limits that can always be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# On a busy machine, a program waits longer than it computes. The wall-clock limit is meant only for one that hangs.
_WALL_SECONDS_PER_CPU_SECOND = 4
_MIN_WALL_SECONDS = 60


class SandboxLimitError(Exception):
    """Termination of a program that reached a limit. `kind` is `too_slow` or `too_large`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def run_in_sandbox(program: Path, content: bytes, arguments: Sequence[str], cpu_seconds: int) -> Any:
    """Run a program with `content` on its standard input and return its JSON output. Raise SandboxLimitError.

    The CPU limit in seconds is appended to the arguments, and the program applies it to itself. Wall-clock time is
    limited too, but generously. The environment is empty, to protect our secrets.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", str(program), *arguments, str(cpu_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # warnings would quote the document
        env={},  # keeps our secrets from the child
        cwd="/",
        start_new_session=True,
    )
    try:
        wall_seconds = max(_MIN_WALL_SECONDS, cpu_seconds * _WALL_SECONDS_PER_CPU_SECOND)
        output, _ = child.communicate(content, timeout=wall_seconds)
    except subprocess.TimeoutExpired as error:
        raise SandboxLimitError("too_slow") from error
    finally:
        _kill_process_group(child)
    if child.returncode < 0:
        raise SandboxLimitError("too_slow" if child.returncode == -signal.SIGXCPU else "too_large")
    if child.returncode:
        raise RuntimeError(f"{program.name} ended with status {child.returncode}.")
    return json.loads(output)


def _kill_process_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child if it is still running, and close its pipes."""
    with child:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
