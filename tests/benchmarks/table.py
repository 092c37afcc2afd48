"""Rows of the benchmark table: a figure, what it is compared with in the same run, and their ratio."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Row:
    """``ratio`` is ours / peer (or figure / limit); ``aim`` says which way is good."""

    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    aim: str = ""


def percentiles(values_ms: ArrayLike) -> str:
    """``p50 / p95 / p99`` in milliseconds."""
    p50, p95, p99 = np.percentile(np.asarray(values_ms, dtype=np.float64), [50, 95, 99])
    return f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms"


def ratio(ours: float, peer: float) -> str:
    """``ours / peer`` for people."""
    return f"{ours / peer:.2f}" if peer > 0 else ""


def _gpu() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def markdown(sections: dict[str, list[Row]]) -> str:
    """The whole of docs/benchmarks.md."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [
        "# Benchmarks",
        "",
        f"`make bench` on {when}: {os.cpu_count()} cores, Python {platform.python_version()}, {_gpu()}.",
        "Absolute figures depend on the machine; the ratios compare with a peer in the same run.",
    ]
    for title, rows in sections.items():
        lines += ["", f"## {title}", "", "| what | ours | peer or limit | ratio | aim |", "|---|---|---|---|---|"]
        lines += [f"| {row.what} | {row.ours} | {row.peer} | {row.ratio} | {row.aim} |" for row in rows]
    return "\n".join(lines) + "\n"
