"""Small collections on disk, in the exact layout of the real ones: drawn faces, no picture of anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from core.data.collections.mad3d import NOT_MEASURED
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


WORDS = {"train": "train", "dev": "val", "eval": "test"}


def wmca_lists(root: Path) -> None:
    """MMDG lists of WMCA: two bona fide clips and a mask in every split, three frames each."""
    for number, (split, word) in enumerate(WORDS.items()):
        lines = []
        for client, kind in ((10, "0_00"), (20, "0_01"), (30, "2_12")):
            name = f"{client + number:03d}_01_000_{kind}"
            for frame in (12, 24, 36):
                pixels = face(flat=kind[0] != "0", seed=frame)
                columns = triple(root, f"WMCA-Image/R_CDIT/{name}/color/{frame:04d}.png", pixels)
                lines.append(f"{columns} {int(kind[0] == '0')}")
        write_list(root / "lists" / f"W-{word}.txt", lines)
        assert split in WORDS


def surf_lists(root: Path, *, inverted: bool = False, bona_fide: int = 6) -> None:
    for number, word in enumerate(WORDS.values()):
        lines = []
        for person in range(bona_fide):
            path = f"CASIA-SURF-CROP/real_part/real_{word}_part/CLKJ_AS{number}{person:03d}/real.rssdk/color/161.png"
            lines.append(triple(root, path, face(seed=person), inverted=inverted) + " 1")
        path = f"CASIA-SURF-CROP/fake_part/fake_{word}_part/CLKJ_AS{number}000/04_en_b.rssdk/color/11.png"
        lines.append(triple(root, path, face(flat=True), inverted=inverted) + " 0")
        write_list(root / f"S-{word}.txt", lines)


def wmca_tables(root: Path) -> None:
    """Idiap's grandtest with one video of each class a split; frame 40 of one stands in the RGB file alone."""
    lines = [",client_id,filepath,group,label"]
    for number, split in enumerate(("train", "dev", "eval")):
        real, mask = f"{number + 10:03d}_01_000_0_00", f"{number + 40:03d}_01_015_2_10"
        wmca_video(root, "12.02.18", real, flat=False, frames=range(5, 50, 5), missing=[40] if split == "eval" else [])
        wmca_video(root, "12.02.18", mask, flat=True, frames=(10, 20))
        lines += [f"{number},1,face-station/12.02.18/{real},{split},bonafide"]
        lines += [f"{number},1,face-station/12.02.18/{mask},{split},attack/3D/papermask"]
    write_list(root / "wmca-protocols-csv" / "grandtest.csv", lines)


def kinect(near: float = 0.7, *, raw: bool = True) -> np.ndarray:
    """A head at ``near`` metres before a wall at 1.5 m, with a band without reading."""
    metres = np.full((480, 640), 1.5)
    cv2.ellipse(metres, (320, 220), (70, 95), 0, 0, 360, near, -1)
    if not raw:
        counts = np.rint(metres * 1000.0)
        counts[:, :30] = 0
        return counts.astype(np.uint16)
    counts = np.rint((1.0 / metres - 3.3309495161) / -0.0030711016)
    counts[:, :30] = NOT_MEASURED
    return counts.astype(np.uint16)
