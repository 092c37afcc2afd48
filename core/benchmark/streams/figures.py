"""Figures of the streams study: methods by severity, and the cells, ours beside unadapted and the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OURS, _OTHER, _INK = "#0f766e", "#94a3b8", "#334155"


def write_figures(result: Mapping[str, Any], stem: Path) -> list[Path]:
    """Write ``STEM-methods.svg`` and ``STEM-cells.svg``."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "sallyport", "font.size": 9, "axes.spines.top": False})
    return [
        _methods(result, stem.with_name(f"{stem.name}-methods.svg")),
        _cells(result["label_equal"], stem.with_name(f"{stem.name}-cells.svg")),
    ]


def _methods(result: Mapping[str, Any], path: Path) -> Path:
    """One panel a table: mean over all cells with bounds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, (name, title) in zip(axes, (("label_equal", "label-equal"), ("unlabelled", "unlabelled")), strict=True):
        rows = result[name]["methods"]
        for number, (method, one) in enumerate(rows.items()):
            colour = _OURS if method in ("ours", "ours_bound") else _INK if method in ("none", "oracle") else _OTHER
            axis.plot([100 * bound for bound in one["bounds"]], [number, number], color=colour, linewidth=1.5)
            axis.plot(100 * one["macro_hter"], number, "o", color=colour, markersize=4)
        axis.set_yticks(range(len(rows)), [one["title"].split(":")[0].split(" (")[0] for one in rows.values()])
        axis.invert_yaxis()
        axis.set_title(title, fontsize=9)
        axis.grid(axis="x", color="#e2e8f0", linewidth=0.6)
    figure.supxlabel("macro HTER, mean over seven masks, % (95 % bounds)", fontsize=9)
    return _saved(figure, path)


def _cells(table: Mapping[str, Any], path: Path) -> Path:
    """Each cell: unadapted, threshold only, ours, ours with bound thresholds, oracle."""
    from matplotlib.figure import Figure

    marks = {
        "none": ("o", _INK),
        "threshold_only": ("s", _OTHER),
        "ours": ("o", _OURS),
        "ours_bound": ("x", _OURS),
        "oracle": ("|", _INK),
    }
    figure = Figure(figsize=(8.0, 0.9 + 0.28 * len(table["cells"])), layout="constrained")
    axis = figure.subplots()
    for method, (marker, colour) in marks.items():
        values = [100 * row[method] for row in table["cells"]]
        title = table["methods"][method]["title"].split(":")[0]
        axis.plot(values, range(len(values)), marker, color=colour, label=title, markersize=5)
    axis.set_yticks(range(len(table["cells"])), [row["cell"] for row in table["cells"]])
    axis.invert_yaxis()
    axis.grid(axis="x", color="#e2e8f0", linewidth=0.6)
    axis.legend(fontsize=8, loc="best")
    axis.set_xlabel("macro HTER, mean over seven masks, %")
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path
