"""One protocol's result as a table to read: our columns first, then what papers print, each under its own heading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS: Mapping[str, str] = {
    "model_threshold": "the model's own threshold (source dev)",
    "collection_dev_eer": "threshold from the collection's dev split, equal errors",
    "collection_dev_bpcer_1": "threshold from the collection's dev split, 1 % BPCER",
    "literature_half": "literature: score 0.5",
    "literature_oracle": "literature: threshold from the test set itself",
}
"""What each column of `core.data.collections.benchmark.run` is; the first one is what would happen on site."""
_FIGURES = ("hter", "acer", "acer_max", "auc")


def as_markdown(report: Mapping[str, Any]) -> str:
    """The result of `core.data.collections.benchmark.run` as Markdown, figures in per cent."""
    counts = report["splits"]["eval"]
    lines = [
        f"### {report['collection']} {report['protocol']}, {report['model']['name']}",
        "",
        f"{counts['presentations']} presentations ({counts['bona_fide']} bona fide, {counts['attack']} attacks), "
        f"modalities {report['modalities']['eval']}. {report['note']}",
        "",
        "| threshold | HTER | ACER | ACER, worst species | AUC | APCER, worst species | BPCER |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, title in COLUMNS.items():
        column = report["columns"][name]
        if column is None:
            lines.append(f"| {title} | not available: see the warnings | | | | | |")
            continue
        bpcer = column.get("bpcer")
        cells = [*(_percent(column.get(figure)) for figure in _FIGURES), _percent(column.get("apcer_max"))]
        lines.append(f"| {title} | {' | '.join(cells)} | {_percent(bpcer['value'] if bpcer else None)} |")
    lines += ["", *_true_positives(report), *_published(report["literature"])]
    lines += [f"- {warning}" for warning in report["warnings"]]
    if report["left_out"]:
        lines.append(f"- {len(report['left_out'])} entries were left out; each stands in the JSON with its reason")
    return "\n".join(lines).rstrip() + "\n"


def _true_positives(report: Mapping[str, Any]) -> list[str]:
    found = [
        f"{_percent(line['tpr'])} at {line['fpr']:.2%}"
        + ("" if line["resolved"] else " (too few attacks to resolve it)")
        for line in report["tpr_at_fpr"]
    ]
    return [f"True-positive rate at a false-positive rate, thresholds from the test set: {'; '.join(found)}.", ""]


def _published(literature: Mapping[str, Any]) -> list[str]:
    if not literature["published"]:
        return [literature["note"], ""]
    lines = [literature["note"], "", "| published (trained on the protocol's sources) | HTER | AUC |", "|---|---|---|"]
    lines += [f"| {line['method']} | {line['hter']:.2f} | {line['auc']:.2f} |" for line in literature["published"]]
    return [*lines, ""]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.2f}"
