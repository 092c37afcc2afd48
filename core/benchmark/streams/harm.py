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
    """Means, gains and harmed streams of each method, over all ``streams`` and cell by cell.

    The cells of a target share the labels of a draw, so streams are not independent: ``labels`` counts the draws of
    labels with which some cell was harmed.
    """
    cells = list(dict.fromkeys(stream.cell for stream in streams))
    return {
        "streams": len(streams),
        "methods": {method: _of(streams, method, read) for method in methods},
        "cells": [_cell([s for s in streams if s.cell == cell], methods, read) for cell in cells],
    }


def _of(streams: Sequence[Stream], method: str, read: Read) -> dict[str, Any]:
    gains = _gains(streams, method, read)
    drawn = [(stream.cell.target, stream.seed, stream.draw) for stream in streams]
    worse = {draw for draw, gain in zip(drawn, gains, strict=True) if gain < -HARM_POINTS}
    hter, bpcer = (_mean(streams, method, name, read) for name in ("macro_hter", "bpcer"))
    return {
        "title": BY_NAME[method].title,
        "macro_hter": hter,
        "bpcer": bpcer,
        "apcer": 2.0 * hter - bpcer,
        "harmed": _rate([gain < -HARM_POINTS for gain in gains]),
        "labels": _rate([draw in worse for draw in dict.fromkeys(drawn)]),
        "harmed_streams": [
            {"cell": stream.cell.name, "seed": stream.seed, "draw": stream.draw, "gain": gain}
            for stream, gain in zip(streams, gains, strict=True)
            if gain < -HARM_POINTS
        ],
        "gain": {"mean": float(np.mean(gains)), "lowest": float(min(gains)), "highest": float(max(gains))},
    }


def _cell(streams: Sequence[Stream], methods: Sequence[str], read: Read) -> dict[str, Any]:
    return {
        "cell": streams[0].cell.name,
        "streams": len(streams),
        **{name: {m: _mean(streams, m, name, read) for m in methods} for name in ("macro_hter", "oracle_hter")},
        "harmed": {m: sum(gain < -HARM_POINTS for gain in _gains(streams, m, read)) for m in methods},
    }


def _rate(harmed: Sequence[bool]) -> dict[str, Any] | None:
    rate = rate_of(harmed)
    return None if rate is None else dict(rate.as_json())


def _gains(streams: Sequence[Stream], method: str, read: Read) -> list[float]:
    """Macro HTER that a method takes off unadapted, stream by stream."""
    return [read(s, NONE).mean("macro_hter") - read(s, method).mean("macro_hter") for s in streams]


def _mean(streams: Sequence[Stream], method: str, figure: str, read: Read) -> float:
    return float(np.mean([read(stream, method).mean(figure) for stream in streams]))
