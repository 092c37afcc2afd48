"""The JSON of `evaluate` and the CSV beside it, exactly as formats.md says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.data.hybrids import Family
from core.data.manifest import COLUMNS as MANIFEST_COLUMNS
from core.errors import UsageError
from core.evaluation.evaluate import Evaluation
from core.metrics.block import Block
from core.results import beside, overwrites, writing

SCHEMA = 1
CSV_COLUMNS = ("presentation", "subject", "species", "mask", "outcome", "reason", "score", "threshold", "model")


def report_json(evaluation: Evaluation, hybrids: Mapping[Family, Block] | None = None) -> dict[str, Any]:
    """The evaluate JSON; with ``hybrids`` (`core.evaluation.hybrids`) also the figures beside each family of them."""
    bona_fide = sum(trial.bona_fide for trial in evaluation.trials)
    latency_ms = evaluation.latency_ms
    return {
        "schema": SCHEMA,
        "model": {"name": evaluation.model_name, "sha256": evaluation.model_sha256},
        "modalities": [str(modality) for modality in evaluation.modalities],
        "counts": {
            "presentations": len(evaluation.trials),
            "bona_fide": bona_fide,
            "attack": len(evaluation.trials) - bona_fide,
        },
        "left_out": [{"row": entry.row, "reason": entry.reason} for entry in evaluation.left_out],
        "overall": evaluation.overall.as_json(),
        "by_mask": {str(mask): block.as_json() for mask, block in evaluation.by_mask.items()},
        "latency_ms": {key: None if value is None else round(value, 3) for key, value in latency_ms.items()},
        **({} if hybrids is None else {"hybrids": {str(family): block.as_json() for family, block in hybrids.items()}}),
    }


def report_csv(evaluation: Evaluation) -> str:
    """One line a presentation."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for trial in evaluation.trials:
        threshold = evaluation.thresholds.get(trial.mask)
        writer.writerow(
            [
                trial.presentation,
                trial.subject,
                trial.species,
                str(trial.mask),
                trial.outcome.value,
                trial.reason.value,
                "" if trial.score is None else f"{trial.score:.9g}",
                "" if threshold is None else f"{threshold:.9g}",
                evaluation.model_sha256,
            ]
        )
    return text.getvalue()


def table_beside(path: Path, manifest: Path | None = None) -> Path:
    """Where the CSV of the report ``path`` goes. Its folder is made, so that one that cannot be is told now.

    Raises:
        UsageError: report or CSV would overwrite ``manifest`` or another manifest, or the CSV the report.
        HostError: the folder cannot be made.
    """
    table = beside(path, ".csv")
    if manifest is not None and overwrites(path, manifest):
        raise UsageError(f"The report would overwrite the manifest {path.name}.", "Give --json another name.")
    with writing(path):
        lost = _is_manifest(table) or (manifest is not None and overwrites(table, manifest))
    if lost:
        what = f"The table of the report would overwrite the manifest {table.name}."
        raise UsageError(what, "Give --json another name.")
    return table


def _is_manifest(table: Path) -> bool:
    """Whether a table is there whose header has all columns of a manifest."""
    if not table.is_file():
        return False
    with table.open("rb") as file:
        head = file.read(1000).decode("utf-8-sig", "replace")
    return set(MANIFEST_COLUMNS) <= set(next(csv.reader(io.StringIO(head, newline="")), []))


def write_report(evaluation: Evaluation, path: Path, hybrids: Mapping[Family, Block] | None = None) -> Path:
    """Write the JSON (`report_json`) to ``path`` and the CSV beside it, under the same name; returns the CSV's path.

    Raises:
        UsageError: the CSV would overwrite a manifest or the JSON (ask `table_beside` before a long evaluation).
        HostError: the folder cannot be written.
    """
    table = table_beside(path)
    told = json.dumps(report_json(evaluation, hybrids), indent=2, allow_nan=False) + "\n"
    with writing(path):
        path.write_text(told, encoding="utf-8")
        table.write_text(report_csv(evaluation), encoding="utf-8")
    return table
