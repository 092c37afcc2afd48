"""Harm: on how many streams a method ends clearly worse than unadapted, over all draws, and in which cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.benchmark.streams.methods.registry import BY_NAME, NONE
from core.benchmark.streams.runs import Record, Stream
from core.metrics.rate import rate_of

HARM_POINTS = 0.02
"""A stream is harmed that ends this much worse than unadapted (macro HTER, mean over masks)."""

Read = Callable[[Stream, str], Record]


def harm(streams: Sequence[Stream], methods: Sequence[str], read: Read) -> dict[str, Any]:
    """Means, gains and harmed streams of each method, over all ``streams`` and cell by cell."""
    cells = list(dict.fromkeys(stream.cell for stream in streams))
    return {
        "streams": len(streams),
        "methods": {method: _of(streams, method, read) for method in methods},
        "cells": [_cell([s for s in streams if s.cell == cell], methods, read) for cell in cells],
    }


def _of(streams: Sequence[Stream], method: str, read: Read) -> dict[str, Any]:
    gains = _gains(streams, method, read)
    rate = rate_of([gain < -HARM_POINTS for gain in gains])
    hter, bpcer = (_mean(streams, method, name, read) for name in ("macro_hter", "bpcer"))
    return {
        "title": BY_NAME[method].title,
        "macro_hter": hter,
        "bpcer": bpcer,
        "apcer": 2.0 * hter - bpcer,
        "harmed": None if rate is None else rate.as_json(),
        "gain": {"mean": float(np.mean(gains)), "lowest": float(min(gains)), "highest": float(max(gains))},
    }


def _cell(streams: Sequence[Stream], methods: Sequence[str], read: Read) -> dict[str, Any]:
    return {
        "cell": streams[0].cell.name,
        "streams": len(streams),
        "macro_hter": {method: _mean(streams, method, "macro_hter", read) for method in methods},
        "harmed": {m: sum(gain < -HARM_POINTS for gain in _gains(streams, m, read)) for m in methods},
    }


def _gains(streams: Sequence[Stream], method: str, read: Read) -> list[float]:
    """Macro HTER that a method takes off unadapted, stream by stream."""
    return [read(s, NONE).mean("macro_hter") - read(s, method).mean("macro_hter") for s in streams]


def _mean(streams: Sequence[Stream], method: str, figure: str, read: Read) -> float:
    return float(np.mean([read(stream, method).mean(figure) for stream in streams]))
