"""Figures of a result: each method's macro HTER by condition, and the gains of ours with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_INK, _OURS, _OTHER = "#334155", "#0f766e", "#94a3b8"


def write_figures(result: Mapping[str, Any], stem: Path) -> list[Path]:
    """Write ``STEM-methods.svg`` and, where there is a comparison, ``STEM-gains.svg``."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "sallyport", "font.size": 9, "axes.spines.top": False})
    written = [_methods(result, stem.with_name(f"{stem.name}-methods.svg"))]
    if "comparison" in result["summary"]:
        written.append(_gains(result, stem.with_name(f"{stem.name}-gains.svg")))
    return written


def _methods(result: Mapping[str, Any], path: Path) -> Path:
    """One panel a condition, one point with bounds a method."""
    from matplotlib.figure import Figure

    methods, names = result["summary"]["methods"], result["conditions"]
    figure = Figure(figsize=(2.1 + 1.55 * len(names), 0.7 + 0.26 * len(methods)), layout="constrained")
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    labels = [result["methods"][m]["title"] for m in methods]
    for axis, name in zip(axes, names, strict=True):
        for row, (method, told) in enumerate(methods.items()):
            one = told["conditions"][name]["macro_hter_estimate"]
            colour = _OURS if row == 0 else _INK if result["methods"][method]["kind"] == "peer" else _OTHER
            if one["value"] is not None:
                axis.plot([100 * one["low"], 100 * one["high"]], [row, row], color=colour, linewidth=1.5)
                axis.plot(100 * one["value"], row, "o", color=colour, markersize=4)
        axis.set_title(name, fontsize=9)
        axis.grid(axis="x", color="#e2e8f0", linewidth=0.6)
        axis.set_xlim(left=0)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    figure.supxlabel("macro HTER at the source-dev threshold, % (95 % bounds)", fontsize=9)
    return _saved(figure, path)


def _gains(result: Mapping[str, Any], path: Path) -> Path:
    """Gain of ours over each other method, with bounds; filled where Holm's correction leaves a difference."""
    from matplotlib.figure import Figure

    found = result["summary"]["comparison"]
    figure = Figure(figsize=(6.4, 0.9 + 0.26 * len(found)), layout="constrained")
    axis = figure.subplots()
    for row, one in enumerate(found):
        gain, told = one["gain"], one["verdict"] != "not told apart"
        if gain["value"] is None:
            continue
        axis.plot([100 * gain["low"], 100 * gain["high"]], [row, row], color=_INK, linewidth=1.5)
        axis.plot(100 * gain["value"], row, "o", color=_INK, markerfacecolor=_OURS if told else "white", markersize=5)
    axis.axvline(0.0, color=_OTHER, linewidth=0.8)
    axis.set_yticks(range(len(found)), [result["methods"][one["other"]]["title"] for one in found])
    axis.invert_yaxis()
    axis.set_xlabel("macro HTER of the other minus ours, percentage points (right: ours better)")
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path
