"""Simulated presentations as image files with a manifest: what ``main.py scenes`` writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from core.codes import Framing, Species
from core.data.manifest import ManifestRow, write_manifest
from core.errors import CanceledError, HostError, UsageError
from core.frames import FrameSet, Modality
from core.scenes.domain import Domain, load_domain
from core.scenes.sensors import SENSORS
from core.scenes.spec import scene_species
from core.scenes.stage import Stage

MANIFEST = "manifest.csv"


def write_scenes(
    out_dir: Path,
    species: Sequence[str],
    sensor: str,
    n: int,
    seed: int,
    domain: Path | Domain | None = None,
    framing: Framing = Framing.CROP,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Path:
    """Render ``n`` presentations, the species in turn, and write them with a manifest.

    Bona fide presentations are among them only where ``species`` names ``bona_fide``. The images of a frame set are
    registered: RGB 8-bit, depth 16-bit with its scale (none for relative depth), infrared 8- or 16-bit by the sensor.

    Args:
        out_dir: folder to make; it must not hold a manifest yet.
        species: ``bona_fide`` and names of PAI species.
        sensor: a name of `core.scenes.sensors.SENSORS`; the domain's own sensor gives way to it.
        n: number of presentations in all.
        seed: people, circumstances and noise follow from it.
        domain: a domain or the file that holds one; ``None`` is the default counter.
        framing: ``crop``: the face as a detector would cut it; ``frame``: with its surroundings.
        progress: told the presentations done and in all.
        cancel: asked between presentations.

    Returns:
        The manifest's path.

    Raises:
        UsageError: unknown sensor or species, or the folder holds a manifest already.
        InputError: the domain file is wrong.
        HostError: the images cannot be written.
        CanceledError: ``cancel`` said so; the manifest lists what was finished.
    """
    if sensor not in SENSORS:
        raise UsageError(f"There is no simulated sensor {sensor!r}.", f"Choose one of: {', '.join(SENSORS)}.")
    kinds = [scene_species(name) for name in species]
    if not kinds:
        raise UsageError("No species is named.", "Name bona_fide and PAI species, with commas between them.")
    site = load_domain(domain) if isinstance(domain, Path) else domain or Domain()
    site = site.model_copy(update={"sensor": sensor})
    manifest = out_dir / MANIFEST
    if manifest.exists():
        raise UsageError(f"{out_dir} holds a manifest already.", "Choose a new folder.")
    rows: list[ManifestRow] = []
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for index in range(n):
            if cancel is not None and cancel():
                write_manifest(manifest, rows)
                raise CanceledError(f"Stopped after {index} of {n} presentations.", "The manifest lists those.")
            rows.extend(_write_presentation(out_dir, site, kinds[index % len(kinds)], seed, index, framing))
            if progress is not None:
                progress(index + 1, n)
        write_manifest(manifest, rows)
    except OSError as error:
        raise HostError(
            f"{out_dir} cannot be written: {error.strerror or error}.", "Check space and rights."
        ) from error
    return manifest


def _write_presentation(
    out_dir: Path, domain: Domain, species: Species, seed: int, index: int, framing: Framing
) -> list[ManifestRow]:
    stage = Stage(domain, species, seed, index, full=True)
    folder = out_dir / stage.id
    folder.mkdir(exist_ok=True)
    rows = []
    for number in range(1, domain.frames + 1):
        frame_set = stage.shoot_registered(framing)
        rows.append(
            ManifestRow(
                stage.id,
                stage.subject,
                str(species),
                {m: _write_image(folder, number, m, frame_set) for m in frame_set.frames},
                frame_set.profiles[Modality.DEPTH].depth_unit_m,
                framing,
                number=number,
            )
        )
    return rows


def _write_image(folder: Path, number: int, modality: Modality, frame_set: FrameSet) -> Path:
    path = folder / f"{number:02d}_{modality}.png"
    pixels = frame_set[modality].pixels
    image = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if modality is Modality.RGB else pixels
    packed = cv2.imencode(".png", image)[1]
    path.write_bytes(packed.tobytes())
    return path
