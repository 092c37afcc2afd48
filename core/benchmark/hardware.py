"""What the study ran on, for the result; and whether the processor multiplies in bfloat16."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from pathlib import Path

import torch


@lru_cache(maxsize=1)
def has_bfloat16() -> bool:
    """Whether the processor has bfloat16 arithmetic; without it autocast is slower than float32."""
    return "bf16" in _cpu_information()


def described() -> dict[str, str | int | bool]:
    """Processor, cores, versions and arithmetic."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "arithmetic": "bfloat16 in convolutions, float32 elsewhere" if has_bfloat16() else "float32",
        "device": "cpu",
    }


def _cpu_information() -> str:
    """What Linux says of the processor; elsewhere nothing."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _processor() -> str:
    for line in _cpu_information().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
