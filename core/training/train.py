"""`train`: from a configuration to a calibrated, measured bundle."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from core.errors import HostError, UsageError
from core.frames import EVERY_MASK, Modality, ModalityMask
from core.model.baseline import SheetScorer
from core.model.bundle import FACTORY_BUNDLE, save_bundle
from core.model.inputs import CropBatch
from core.model.manifest import MANIFEST_FILE, Manifest
from core.model.network import ARCHITECTURE, PadNetwork
from core.model.novelty import fit_limits
from core.model.scorer import choose_device
from core.model.share import ALONE, Share
from core.training.augment import augment
from core.training.calibration import (
    TELLABLE_AUC,
    Calibration,
    apcers,
    field_threshold,
    fit_temperature,
    gains_by_covering,
)
from core.training.card import write_figures
from core.training.config import TrainConfig
from core.training.figures import by_domain, by_mask, scaled
from core.training.prepared import Joined, open_prepared, write_prepared
from core.training.scoring import baseline_logits, crop_logits, pool, pooled_logits, varied_evidence
from core.training.shards import SPLITS
from core.training.shards.form import Split
from core.training.sources import presentations
from core.training.table import CropTable, digest_of, has_table, open_table, write_table
from core.training.telling import telling_of, with_hybrids
from core.training.trainer import Canceled, Report, SourceTrainer, progress_of

CODE_VERSION = "0.1.0"
_NO_SHA = "0" * 64
_MODEL_CARD = Path(__file__).parents[2] / "docs" / "model-card.md"
_VARIATION_SEED = 20_251


def train(config: TrainConfig, report: Report, canceled: Canceled, share: Share = ALONE) -> Manifest | None:
    """Render scenes or read shards, train, calibrate, measure, save; what is finished in ``work_dir`` is kept.

    Args:
        config: the run.
        report: is told the progress of each phase.
        canceled: asked often; a stop keeps what is finished.
        share: with whom training is divided; the first process renders or reads, calibrates and writes.

    Returns:
        The manifest of the bundle in ``config.out``; ``None`` in all processes but the first.

    Raises:
        CanceledError: ``canceled`` said so.
        HostError: the device is not there, the loss is not finite, or a folder cannot be written.
        InputError: a shard is damaged.
        UsageError: an unknown domain, or several processes on one GPU by its number.
    """
    _refuse_one_gpu_for_all(config.device, share)
    choose_device(config.device)  # not found only after minutes of rendering
    torch.set_num_threads(config.threads)
    if share.first:
        for split in SPLITS:
            _table(config, split, report, canceled)
    share.wait()
    tables = {split: _table(config, split, report, canceled) for split in SPLITS}
    if share.first:
        _inputs(config, tables["train"], report, canceled)
    share.wait()
    prepared = _inputs(config, tables["train"], report, canceled)
    trainer = SourceTrainer(config, tables["train"], prepared, config.network, share)
    network = trainer.run(report, canceled)
    made = _finish(config, network, tables, trainer, report, canceled) if share.first else None
    share.wait()
    return made


def _refuse_one_gpu_for_all(device: str, share: Share) -> None:
    if share.world > 1 and device.startswith("cuda:"):
        raise UsageError(
            f"{share.world} processes would all train on {device}.",
            "Use `--device cuda`: each process takes a GPU of its own where there are enough.",
        )


def _finish(
    config: TrainConfig,
    network: PadNetwork,
    tables: Mapping[Split, CropTable],
    trainer: SourceTrainer,
    report: Report,
    canceled: Canceled,
) -> Manifest:
    """Calibrate, measure, save."""
    calibration, withheld = _calibrate(network, tables["dev"], progress_of("calibration", report, canceled))
    limits = fit_limits(*varied_evidence(tables["dev"], _varied()))
    manifest = Manifest(
        name=config.name,
        sha256=_NO_SHA,
        architecture=ARCHITECTURE,
        code_version=CODE_VERSION,
        seed=config.seed,
        created_utc=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        data=_provenance(config, tables, trainer),
        temperature={str(mask): round(found.temperature, 6) for mask, found in calibration.items()},
        thresholds={str(mask): round(found.threshold, 6) for mask, found in calibration.items()},
        withheld=[str(mask) for mask in withheld],
        novelty=limits,
        threshold_source=_threshold_source(config, tables["dev"]),
    )
    figures = _figures(network, tables["test"], manifest, progress_of("figures", report, canceled))
    return save_bundle(config.out, network, manifest.model_copy(update={"figures": figures}))


def trust_factory(bundle: Path) -> None:
    """Write the digests of the factory bundle into the code (`core.model.trusted`) and its figures into the card.

    Raises:
        HostError: the program's folder cannot be written.
    """
    content = (bundle / MANIFEST_FILE).read_bytes()
    manifest = Manifest.model_validate_json(content)
    text = (
        '"""Digests of the committed factory model. `main.py train --factory` writes this file."""\n\n'
        f'FACTORY_SHA256 = "{manifest.sha256}"\n'
        f'FACTORY_MANIFEST_SHA256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    try:
        (FACTORY_BUNDLE.parent / "trusted.py").write_text(text, encoding="utf-8")
    except OSError as error:
        raise HostError(f"Cannot write the program's folder: {error.strerror}.", "Train into --out DIR.") from error
    write_figures(_MODEL_CARD, manifest)


def _table(config: TrainConfig, split: Split, report: Report, canceled: Canceled) -> CropTable:
    """The table of a split, made unless a finished one of this very configuration lies in ``work_dir``."""
    folder = config.work_dir / f"{split}-{config.table_digest(split)[:16]}"
    if has_table(folder):
        return open_table(folder)
    crops, made = presentations(config, split, report, canceled)
    return write_table(folder, with_hybrids(made) if split != "test" else made, 2 * crops)


def _inputs(config: TrainConfig, table: CropTable, report: Report, canceled: Canceled) -> Joined:
    """The varied inputs of the training table, written unless they lie beside it."""
    folder = table.folder / f"inputs-{config.pixels}-{config.versions}"
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        done = progress_of("inputs", report, canceled)
        write_prepared(part, table, config.pixels, [augment] * config.versions, done, config.processes)
        part.replace(folder)
    return Joined([open_prepared(folder)])


def _calibrate(
    network: PadNetwork, dev: CropTable, done: Callable[[float], None]
) -> tuple[dict[ModalityMask, Calibration], list[ModalityMask]]:
    """The calibration of every mask, and the masks that may refuse but not accept (`core.training.calibration`)."""
    plain = crop_logits(network, dev, lambda share: done(share / 2.0))
    varied = crop_logits(network, dev, lambda share: done(0.5 + share / 2.0), _varied())
    every, telling = np.asarray(dev.species), telling_of(dev.species)
    bona_fide = dev.bona_fide[dev.owner]
    calibration: dict[ModalityMask, Calibration] = {}
    rates: dict[ModalityMask, dict[str, float]] = {}
    for mask in EVERY_MASK:
        told = np.asarray(telling[:, list(mask.row)].any(axis=1), dtype=bool)
        crops = told[dev.owner] & np.isfinite(plain[mask]) & np.isfinite(varied[mask])
        if len(set(bona_fide[crops])) < 2:
            continue  # shards without this modality: a mask without a threshold refers (M2)
        temperature = fit_temperature(plain[mask][crops], bona_fide[crops])
        threshold = field_threshold(plain[mask][crops], varied[mask][crops], every[dev.owner][crops], temperature)
        found = calibration[mask] = Calibration(temperature, threshold)
        pooled = pool(plain[mask], dev)
        usable = told & np.isfinite(pooled)
        rates[mask] = apcers(found, pooled[usable], every[usable])
    complete = rates[max(rates, key=len)]
    return calibration, [mask for mask, found in rates.items() if gains_by_covering(found, complete)]


def _varied() -> Callable[[CropBatch], CropBatch]:
    """The variation of dev, the same each time."""
    random = np.random.default_rng(_VARIATION_SEED)
    return lambda batch: augment(batch, random)


def _figures(
    network: PadNetwork, test: CropTable, manifest: Manifest, done: Callable[[float], None]
) -> dict[str, object]:
    raw = pooled_logits(network, test, done)
    calibration = {mask: Calibration(manifest.temperature_of(mask), 0.5) for mask in EVERY_MASK}
    logits = {mask: found for mask, found in scaled(raw, calibration).items() if manifest.threshold(mask) is not None}
    sheet = SheetScorer()
    relief = {mask: baseline_logits(sheet, test, mask) for mask in (ModalityMask.of([Modality.DEPTH]),)}
    return {
        "test": {
            "presentations": len(test.presentations),
            "bona_fide": int(test.bona_fide.sum()),
            "by_mask": by_mask(test, logits, manifest.threshold, manifest.threshold_source),
            "by_domain": by_domain(test, logits, manifest.threshold, manifest.threshold_source),
        },
        sheet.name: {"by_mask": by_mask(test, relief, sheet.threshold, sheet.threshold_source)},
    }


def _threshold_source(config: TrainConfig, dev: CropTable) -> str:
    of = "stored" if config.shards else "simulated"
    return (
        f"source-dev, {len(dev.presentations)} {of} presentations of people who trained nothing, as single crops "
        f"plain and under strong variation of the image chain: over the species that the mask ranks with an AUC of at "
        f"least {TELLABLE_AUC}, macro APCER = BPCER; a mask under which some species passes more often than not, and "
        "clearly more often than before all sensors, never accepts"
    )


def _provenance(config: TrainConfig, tables: Mapping[Split, CropTable], trainer: SourceTrainer) -> dict[str, object]:
    rendered = {"domains", "live_domains", *SPLITS} if config.shards else set()
    return {
        "kind": "shards" if config.shards else "simulated scenes only",
        "config": config.model_dump(mode="json", exclude={"work_dir", "out", "device", "shards"} | rendered),
        "device": trainer.device,
        "epochs_done": trainer.epochs_done,
        "training_seconds": round(trainer.seconds),
        "splits": {
            split: {
                "presentations": len(table.presentations),
                "crops": len(table),
                "subjects": len(set(table.subjects)),
                "sha256": digest_of(table),
            }
            for split, table in tables.items()
        },
    }
