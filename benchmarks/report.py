"""docs/measured.md: a section for each thing that was measured or proved, each with its machine and its day."""

import os
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "measured.md"
HEAD = """# Measured

By `make bench` and `make prove`, each section on a day of its own. Times are for comparison within one run.
"""


def write_section(title: str, text: str) -> None:
    """In place of what was measured before; the other sections stay."""
    now = REPORT.read_text() if REPORT.exists() else ""
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", now, re.S | re.M))
    sections[title] = f"\n{text.strip()}\n\n"
    REPORT.write_text(HEAD + "".join(f"\n## {name}\n{body.rstrip()}\n" for name, body in sections.items()))


def machine() -> str:
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "websockets", "uvloop", "openai"))
    return (
        f"On {date.today()}: {processor[1] if processor else platform.machine()}, {os.cpu_count()} cores, "
        f"{int(memory[1]) // 1024**2 if memory else '?'} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {packages}."
    )
