"""Small collections on disk, in the exact layout of the real ones: drawn faces, no picture of anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from core.data.collections.pictures import turned
from core.frames import Modality
from tests.perception import drawn_pixels

Pixels = Mapping[Modality, Any]


def face(flat: bool = False, size: int = 96, seed: int = 0) -> dict[Modality, Any]:
    """A drawn face with 8-bit relative depth (0 = hole, larger = farther), a little noise that tells takes apart."""
    pixels = dict(drawn_pixels(size, flat=flat))
    rng = np.random.default_rng(seed)
    depth = pixels[Modality.DEPTH].astype(np.float64)
    relative = 60.0 + (depth - depth[depth > 0].min()) + rng.integers(0, 2, depth.shape)
    pixels[Modality.DEPTH] = np.where(depth > 0, np.clip(relative, 20, 250), 0).astype(np.uint8)
    return pixels


def save(path: Path, pixels: Any) -> Path:
    """Write a picture in the coding that its name asks for; colour comes as R, G, B."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels
    assert cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def triple(root: Path, colour: str, pixels: Pixels, *, inverted: bool = False) -> str:
    """Write one frame of a list of pictures; returns its three columns. ``colour`` has a colour part."""
    names = {}
    for modality, folder in zip(Modality, ("", "depth", "ir"), strict=True):
        name = colour
        for part in ("color", "profile"):
            if folder:
                name = name.replace(f"/{part}/", f"/{folder}/").replace(f"-{part}.", f"-{folder}.")
        picture = pixels[modality]
        if modality is Modality.DEPTH and inverted:
            picture = turned(picture)
        save(root / name, picture)
        names[modality] = name
    return " ".join(names.values())


def write_list(path: Path, lines: Iterable[str], ends: str = "\r\n") -> Path:
    """A list without an end after its last line, as the MMDG lists are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ends.join(lines).encode())
    return path


def wmca_video(
    root: Path, day: str, name: str, *, flat: bool, frames: Iterable[int], missing: Iterable[int] = ()
) -> None:
    """The two HDF5 files of a video; frames in ``missing`` stand in the RGB file alone."""
    pixels = face(flat)
    for form in ("RGB", "CDIT"):
        path = root / f"WMCA_preprocessed_{form}" / "WMCA" / "face-station" / day / f"{name}.hdf5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            for number in frames:
                if form == "RGB":
                    file[f"Frame_{number}/array"] = pixels[Modality.RGB].transpose(2, 0, 1)
                elif number not in set(missing):
                    grey = pixels[Modality.RGB].mean(axis=2).astype(np.uint8)
                    thermal = np.zeros_like(grey)
                    planes = [grey, pixels[Modality.DEPTH], pixels[Modality.IR], thermal]
                    file[f"Frame_{number}/array"] = np.stack(planes)


def padisi_trial(path: Path, *, flat: bool, depth: Any = None) -> Any:
    """One npz of the multi-spectral release; returns its array."""
    pixels = face(flat)
    data = np.zeros((1, 22, 96, 96))
    data[0, :3] = pixels[Modality.RGB][:, :, ::-1].transpose(2, 0, 1) / 255.0
    data[0, 3] = pixels[Modality.IR] / 255.0
    data[0, 4] = (pixels[Modality.DEPTH] + 500.0) / 65535.0 if depth is None else depth
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, data=data)
    return data


def mad_video(path: Path, depth: Any, frames: int = 7) -> None:
    """One video of 3DMAD; ``depth`` is one frame's counts ``(480, 640)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = cv2.resize(face()[Modality.RGB], (640, 480)).transpose(2, 0, 1)
    with h5py.File(path, "w") as file:
        for key, frame in (("Color_Data", colour), ("Depth_Data", depth[None].astype(np.uint16))):
            file.create_dataset(key, data=np.stack([frame] * frames), compression="gzip", compression_opts=1)
        file["Eye_Pos"] = np.tile([280, 200, 360, 200], (frames, 1))
