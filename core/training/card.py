"""The figures of a manifest as Markdown tables, written into the model card between two marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import HostError
from core.frames import EVERY_MASK
from core.model.baseline import SHEET_NAME
from core.model.manifest import Manifest

BEGIN, END = "<!-- figures: written by main.py train --factory -->", "<!-- end of figures -->"
_MASKS = tuple(str(mask) for mask in reversed(EVERY_MASK))


def write_figures(card: Path, manifest: Manifest) -> None:
    """Replace what stands between the marks of ``card`` by the figures of ``manifest``.

    Raises:
        HostError: the card has no marks, or cannot be written.
    """
    try:
        text = card.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, mark, after = rest.partition(END)
        if not mark:
            raise HostError(f"{card} has no place for figures.", "Restore docs/model-card.md from the repository.")
        card.write_text(f"{before}{BEGIN}\n{figures_text(manifest)}{END}{after}", encoding="utf-8")
    except OSError as error:
        raise HostError(f"{card} cannot be written: {error.strerror}.", "Check the folder's rights.") from error


def figures_text(manifest: Manifest) -> str:
    """Identity, thresholds, and the rates on the test split, each with its bounds."""
    test = manifest.figures["test"]
    relief = manifest.figures[SHEET_NAME]["by_mask"]["depth"]
    splits = manifest.data["splits"]
    decided = [mask for mask in _MASKS if mask in manifest.thresholds]
    lines = [
        "",
        f"sha256 `{manifest.sha256}`, made {manifest.created_utc}, seed {manifest.seed}, "
        f"{manifest.data['epochs_done']} epochs in {round(manifest.data['training_seconds'] / 60)} minutes.",
        "",
        "| split | presentations | crops | people |",
        "|---|---|---|---|",
        *(f"| {name} | {s['presentations']} | {s['crops']} | {s['subjects']} |" for name, s in splits.items()),
        "",
        f"Thresholds: {manifest.threshold_source}.",
        "",
        "| mask | threshold | AUC | EER | macro HTER | BPCER | highest APCER (species) |",
        "|---|---|---|---|---|---|---|",
        *(_mask_row(mask, test["by_mask"][mask]) for mask in _MASKS),
        _mask_row(f"`{SHEET_NAME}`, depth", relief),
        "",
        "APCER by species (errors / trials, 95 % Clopper-Pearson bounds):",
        "",
        "| species | " + " | ".join(decided) + f" | `{SHEET_NAME}` |",
        "|---" * (len(decided) + 2) + "|",
        *_species_rows({mask: test["by_mask"][mask] for mask in decided}, relief),
        "",
        "As captured, by domain (each presentation under the largest mask that it has):",
        "",
        "| domain | AUC | BPCER | highest APCER (species) |",
        "|---|---|---|---|",
        *(
            f"| {name} | {_share(block['auc'])} | {_rate(block['bpcer'])} | {_worst(block)} |"
            for name, block in test["by_domain"].items()
        ),
        "",
    ]
    return "\n".join(lines) + "\n"


def _mask_row(name: str, block: Mapping[str, Any]) -> str:
    ranking = f"{_share(block['auc'])} | {_share(block['eer'])}"
    if block["threshold"] is None:
        return f"| {name} | none: refers | {ranking} | | | |"
    figures = f"{_share(block['macro_hter'])} | {_rate(block['bpcer'])} | {_worst(block)}"
    return f"| {name} | {block['threshold']:.3f} | {ranking} | {figures} |"


def _species_rows(blocks: Mapping[str, Mapping[str, Any]], relief: Mapping[str, Any]) -> list[str]:
    columns = [*blocks.values(), relief]
    names = sorted(relief["apcer"])
    return [f"| {name} | " + " | ".join(_rate(block["apcer"].get(name)) for block in columns) + " |" for name in names]


def _worst(block: Mapping[str, Any]) -> str:
    if not block["apcer"]:
        return "none"
    name, rate = max(block["apcer"].items(), key=lambda entry: float(entry[1]["value"]))
    return f"{_rate(rate)} ({name})"


def _rate(rate: Mapping[str, Any] | None) -> str:
    """``2.2 % (1/45; 0.1 to 11.8)``."""
    if rate is None:
        return "none"
    value, low, high = (100.0 * rate[key] for key in ("value", "low", "high"))
    return f"{value:.1f} % ({rate['errors']}/{rate['trials']}; {low:.1f} to {high:.1f})"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
