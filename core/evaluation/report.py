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
from core.errors import HostError, UsageError
from core.evaluation.evaluate import Evaluation
from core.metrics.block import Block

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


def table_beside(path: Path) -> Path:
    """Where the CSV of the report ``path`` goes.

    Raises:
        UsageError: a manifest lies there, which it would overwrite.
    """
    table = path.with_suffix(".csv")
    if table.is_file():
        with table.open("rb") as file:
            head = file.readline(1000).decode("utf-8-sig", "replace").strip().split(",")
        if set(MANIFEST_COLUMNS) <= set(head):
            what = f"The table of the report would overwrite the manifest {table.name}."
            raise UsageError(what, "Give --json another name.")
    return table


def write_report(evaluation: Evaluation, path: Path, hybrids: Mapping[Family, Block] | None = None) -> Path:
    """Write the JSON (`report_json`) to ``path`` and the CSV beside it, under the same name; returns the CSV's path.

    Raises:
        UsageError: the CSV would overwrite a manifest (ask `table_beside` before a long evaluation).
        HostError: the folder cannot be written.
    """
    table = table_beside(path)
    try:
        path.write_text(
            json.dumps(report_json(evaluation, hybrids), indent=2, allow_nan=False) + "\n", encoding="utf-8"
        )
        table.write_text(report_csv(evaluation), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise HostError(f"The report could not be written to {path}: {reason}.", "Choose another folder.") from error
    return table
