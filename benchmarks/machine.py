"""What the machine says of itself and of its processes, in /proc."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def memory_mib(kind: Literal["VmRSS", "VmHWM", "RssAnon"], pid: int | Literal["self"] = "self") -> float:
    """Resident memory of a process, the most so far (VmHWM), or without pages of files, which may be dropped (RssAnon).

    NaN where /proc is missing.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    return int(next(line for line in status.splitlines() if line.startswith(kind)).split()[1]) / 1024


def processor() -> str:
    """The model of the processor; empty where it is not known."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return "" if name == "unknown" else name
