"""Loaders of files: images, payloads, manifests, import, backup, models, recordings."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from storage.forms import canonical
from tests.fuzz.target import SEPARATOR, Loader, Target, parts

ROOT = Path(__file__).resolve().parents[2]
_ROW = "p1,s1,{species},{rgb},{depth},{ir},{unit},crop,eval\n"
_IMPORTS_PER_FOLDER = 200


def image(folder: Path) -> Loader:
    from core.data.images import read_image
    from core.frames import MODALITIES

    path = folder / "image"

    def load(data: bytes) -> None:
        path.write_bytes(data[1:])
        pixels = read_image(path, MODALITIES[data[0] % 3] if data else MODALITIES[0])
        assert pixels.size > 0

    return load


def payload(folder: Path) -> Loader:
    """A stored frame's payload with the row that says what it is."""
    from storage.codecs import PayloadError, decode

    def load(data: bytes) -> None:
        head, body = parts(data, 2)
        try:
            codec, dtype, shape = json.loads(head)
            shape = [int(side) for side in shape][:4]
        except (ValueError, TypeError, RecursionError, OverflowError):
            return
        try:
            decode(str(codec), body, str(dtype), shape)
        except PayloadError:  # what the frame store turns into an `InputError`
            return

    return load


def manifest(folder: Path) -> Loader:
    from core.data.manifest import load_frame_set, read_manifest
    from core.errors import InputError

    path = folder / "manifest.csv"
    for name, content in _pictures().items():
        (folder / name).write_bytes(content)

    def load(data: bytes) -> None:
        path.write_bytes(data)
        for row in read_manifest(path).rows[:4]:
            try:
                load_frame_set(row)
            except InputError:
                continue

    return load


def importing(folder: Path) -> Loader:
    """A folder as `export` writes it: the manifest and one picture are the input."""
    from core.data.manifest import read_manifest
    from storage.catalogue import Catalogue, open_catalogue
    from storage.importing import import_manifest

    numbers = itertools.count()
    opened: list[Catalogue] = []

    def catalogue(number: int) -> Catalogue:
        if number % _IMPORTS_PER_FOLDER == 0:
            while opened:
                opened.pop().close()
            shutil.rmtree(folder / "data", ignore_errors=True)
            opened.append(open_catalogue(folder / "data"))
        return opened[0]

    for name, content in _pictures().items():
        (folder / name).write_bytes(content)

    def load(data: bytes) -> None:
        table, picture = parts(data, 2)
        (folder / "manifest.csv").write_bytes(table)
        (folder / "depth.png").write_bytes(picture)
        read_manifest(folder / "manifest.csv")
        number = next(numbers)
        import_manifest(catalogue(number), folder / "manifest.csv", "no_person", f"n{number}")

    return load


def backup(folder: Path) -> Loader:
    from storage.backup import restore

    made, target = folder / "backup", folder / "restored"
    made.mkdir()

    def load(data: bytes) -> None:
        index, content = parts(data, 2)
        (made / "catalogue.db").write_bytes(content)
        text = index.replace(b"SHA256", hashlib.sha256(content).hexdigest().encode())
        (made / "backup.json").write_bytes(text)
        try:
            restore(made, target)
        finally:
            shutil.rmtree(target, ignore_errors=True)

    return load


def model(folder: Path) -> Loader:
    """A bundle. Its digest is put right, so that a damaged file is met by the parsers behind it."""
    from core.model.bundle import load_network

    bundle = folder / "model"
    bundle.mkdir()

    def load(data: bytes) -> None:
        text, weights = parts(data, 2)
        (bundle / "manifest.json").write_bytes(text.replace(b"SHA256", hashlib.sha256(weights).hexdigest().encode()))
        (bundle / "model.safetensors").write_bytes(weights)
        load_network(bundle)

    return load


def lane_model(folder: Path) -> Loader:
    """The file of another lane. It is signed anew where it names the lane, so that what it holds is met as well."""
    from storage.catalogue import open_catalogue
    from storage.model_transfer import receive_model

    path, numbers = folder / "model.zip", itertools.count()

    def load(data: bytes) -> None:
        path.write_bytes(data)
        place = folder / "data"
        if next(numbers) % _IMPORTS_PER_FOLDER == 0:
            shutil.rmtree(place, ignore_errors=True)
        with open_catalogue(place) as catalogue:
            lane = catalogue.lanes.own_key()
            try:
                with zipfile.ZipFile(path) as archive:
                    contents = {entry.filename: archive.read(entry) for entry in archive.infolist()[:4]}
                told = json.loads(contents["signature.json"])
                unsigned = {**{name: told[name] for name in told if name != "signature"}, "lane": lane}
                signature = catalogue.audit.sign_for_lanes(canonical(unsigned).encode())
                contents["signature.json"] = json.dumps({**unsigned, "signature": signature}).encode()
                with zipfile.ZipFile(path, "w") as archive:
                    for name, content in contents.items():
                        archive.writestr(name, content)
            except Exception:  # noqa: BLE001 - then it is met as it is
                path.write_bytes(data)
            receive_model(catalogue, path)

    return load


def recording(folder: Path) -> Loader:
    """Open a recording and read what it says of itself and its first frame sets."""
    from devices.playback import PlaybackOrigin
    from devices.sdk import SdkCamera

    def load(data: bytes) -> None:
        path = folder / ("r.bag" if data[:1] == b"#" else "r.db3")
        path.write_bytes(data)
        camera = SdkCamera(PlaybackOrigin(path))
        try:
            camera.open()
        finally:
            camera.close()

    return load


@cache
def _pictures() -> dict[str, bytes]:
    """One small picture of each modality, and what they should not be."""
    import cv2
    import numpy as np

    generator = np.random.default_rng(5)
    colour = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    depth = generator.integers(700, 900, (12, 16), dtype=np.uint16)

    def encoded(suffix: str, pixels: object) -> bytes:
        return bytes(cv2.imencode(suffix, pixels)[1])  # type: ignore[call-overload]

    return {
        "rgb.png": encoded(".png", colour),
        "depth.png": encoded(".png", depth),
        "ir.png": encoded(".png", colour[:, :, 0]),
        "rgb.jpg": encoded(".jpg", colour),
        "depth.tiff": encoded(".tiff", depth),
        "rgb.bmp": encoded(".bmp", colour),
        "ir.pgm": encoded(".pgm", colour[:, :, 1]),
        "rgb.webp": encoded(".webp", colour),
    }


MODALITY = {"rgb": 0, "depth": 1, "ir": 2}


def _images() -> list[bytes]:
    return [bytes([MODALITY[name.split(".")[0]]]) + content for name, content in _pictures().items()]


def _table() -> bytes:
    from core.data.manifest import COLUMNS

    rows = _ROW.format(species="", rgb="rgb.png", depth="depth.png", ir="ir.png", unit="0.001") + _ROW.format(
        species="print_flat", rgb="rgb.jpg", depth="", ir="", unit=""
    ).replace("p1", "p2")
    return (",".join(COLUMNS) + "\n" + rows).encode()


def _imports() -> list[bytes]:
    return [_table() + SEPARATOR + _pictures()["depth.png"]]


def _payloads() -> list[bytes]:
    import numpy as np

    from storage.codecs import encode

    found = []
    for pixels in (np.arange(96, dtype=np.uint16).reshape(8, 12), np.zeros((8, 12, 3), np.uint8)):
        codec, body = encode(pixels)
        found.append(json.dumps([codec, pixels.dtype.name, pixels.shape]).encode() + SEPARATOR + body)
    return found


def _backups() -> list[bytes]:
    from storage.backup import back_up
    from storage.catalogue import open_catalogue

    with tempfile.TemporaryDirectory() as name:
        with open_catalogue(Path(name) / "data") as catalogue:
            back_up(catalogue, Path(name) / "out")
        index = json.loads((Path(name) / "out" / "backup.json").read_text(encoding="utf-8"))
        content = (Path(name) / "out" / "catalogue.db").read_bytes()
    entry = {**index["files"]["catalogue.db"], "sha256": "SHA256"}
    return [json.dumps({**index, "files": {"catalogue.db": entry}}).encode() + SEPARATOR + content]


def _models() -> list[bytes]:
    """A network with all parts, as small as it can be."""
    import torch

    from core.model.bundle import save_bundle
    from core.model.manifest import Manifest
    from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork

    torch.manual_seed(0)
    network = PadNetwork(NetworkConfig(widths=(8, 8, 8, 8), bottleneck=8, hidden=8)).eval()
    blank = Manifest(name="small", sha256="0" * 64, architecture=ARCHITECTURE, thresholds={"rgb+depth+ir": 0.5})
    with tempfile.TemporaryDirectory() as name:
        saved = save_bundle(Path(name), network, blank)
        weights = (Path(name) / "model.safetensors").read_bytes()
    return [saved.to_json().replace(saved.sha256, "SHA256").encode() + SEPARATOR + weights]


def _lane_models() -> list[bytes]:
    """A model of a few bytes in a file that names no lane yet."""
    weights = b"weights" * 20
    digest = hashlib.sha256(weights).hexdigest()
    manifest = json.dumps({"name": "small", "sha256": digest, "parent": "", "data": {}}).encode()
    files = {"manifest.json": hashlib.sha256(manifest).hexdigest(), "model.safetensors": digest}
    told = {"schema": 1, "form": "sallyport model", "lane": "", "sent_utc_s": 1.0, "files": files, "signature": ""}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("signature.json", json.dumps(told))
        archive.writestr("manifest.json", manifest)
        archive.writestr("model.safetensors", weights)
    return [packed.getvalue()]


def _recordings() -> list[bytes]:
    from devices.recording import record

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "r.db3"
        record("simulated:empty", path, 0.1)
        found = [path.read_bytes()]
    bag = ROOT.parent / "shared" / "data" / "realsense_d435_640x480.bag"
    return found + ([bag.read_bytes()] if bag.is_file() else [])


def _seeds_of_manifest() -> Sequence[bytes]:
    return [_table()]


TARGETS = (
    Target("manifest", _seeds_of_manifest, manifest),
    Target("import", _imports, importing),
    Target("backup", _backups, backup),
    Target("image", _images, image),
    Target("payload", _payloads, payload),
    Target("model", _models, model),
    Target("lane model", _lane_models, lane_model),
    Target("recording", _recordings, recording, native=True),
)
