"""Sections of docs/measured.md, one per measurement or proof, each with its machine and date."""

import os
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT_PATH = ROOT / "docs" / "measured.md"
HEAD = """# Measured

`make bench` and `make prove` write this file. Sections may be from different days, so compare times only within one
section. The text comes from strings in `benchmarks/` and `tests/__main__.py`, so edit it there too.
"""


def write_section(title: str, text: str) -> None:
    """Write a section in place of its earlier version and keep the other sections."""
    current = REPORT_PATH.read_text() if REPORT_PATH.exists() else ""
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", current, re.S | re.M))
    sections[title] = f"\n{text.strip()}\n\n"
    REPORT_PATH.write_text(HEAD + "".join(f"\n## {name}\n{body.rstrip()}\n" for name, body in sections.items()))


def describe_machine() -> str:
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "websockets", "uvloop", "openai"))
    return (
        f"On {date.today()}: {processor[1] if processor else platform.machine()}, {os.cpu_count()} cores, "
        f"{int(memory[1]) // 1024**2 if memory else '?'} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {packages}."
    )
