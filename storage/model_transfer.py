"""Models on their way to another lane: one file that its lane has signed, taken only from lanes that are trusted.

The file is a ZIP of the bundle and ``signature.json``, which names the lane's key and the digest of each file. Nothing
of it is unpacked before the signature is found good, and nothing of it becomes the champion by arriving: it is a model
like others, and a person promotes it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from pathlib import Path

from core.access import Permission
from core.errors import HostError, InputError, sentence
from storage.atomic import write_atomically
from storage.catalogue import Catalogue
from storage.lane_signatures import read_signature, sign
from storage.partial import partial_of, remove_abandoned
from storage.registry import FOREIGN, MANIFEST, WEIGHTS, ModelRegistry
from storage.repositories.models import ModelRecord

SIGNATURE = "signature.json"
_FORM = "sallyport model"
_FILES = (MANIFEST, WEIGHTS)
_MOST_BYTES = {MANIFEST: 1 << 20, WEIGHTS: 2 << 30, SIGNATURE: 1 << 16}
"""More than any model of this program; a file that says it holds more is not read."""
_AGAIN = "Let the other lane send it again: `main.py lanes send`."


def send_model(catalogue: Catalogue, reference: str, path: Path) -> ModelRecord:
    """Write a model and this lane's signature to ``path``.

    Raises:
        DeniedError: whoever acts may not promote.
        InputError: no such model, its files are damaged, or ``path`` is there already.
        HostError: it cannot be written.
    """
    catalogue.require(Permission.PROMOTE)
    if path.exists():
        raise InputError(sentence("{path} is there already.", path=path), "Choose a new file.")
    record = ModelRegistry(catalogue).resolve(reference)
    contents = {name: (Path(record.path) / name).read_bytes() for name in _FILES}
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    signature = sign(catalogue, _FORM, files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {SIGNATURE: signature, **contents}.items():
            archive.writestr(name, content)
    write_atomically(path, packed.getvalue())
    catalogue.audit.append("send_model", "model", record.sha256, actor=catalogue.actor.id)
    return record


def receive_model(catalogue: Catalogue, path: Path) -> tuple[ModelRecord, str]:
    """Take a model from the file of a trusted lane; returns it and the lane's name (empty: this lane itself).

    Raises:
        DeniedError: whoever acts may not import.
        InputError: that is no such file, it is damaged, its signature is not good, or nobody trusts its lane.
        HostError: the model cannot be stored.
    """
    catalogue.require(Permission.IMPORT)
    contents = _unpacked(path)
    told = read_signature(contents.pop(SIGNATURE), _FORM, _AGAIN)
    lane = catalogue.lanes.knows(told.lane)
    if lane is None:
        raise InputError(
            sentence("Nobody here trusts the lane {key} that signed this model.", key=told.lane[:16]),
            "An administrator trusts it with `main.py lanes trust`, after asking its people for their key.",
        )
    if told.files != {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}:
        raise InputError("The model in this file is not the one that was signed.", _AGAIN)
    remove_abandoned(catalogue.folder.root, "received")
    bundle = partial_of(catalogue.folder.root / "received")
    try:
        bundle.mkdir(mode=0o700)
        for name, content in contents.items():
            (bundle / name).write_bytes(content)
        with catalogue.transaction(), catalogue.granted(Permission.ADAPT):
            record = ModelRegistry(catalogue).add(bundle, origin=FOREIGN)
            details = {"lane": lane.name or lane.public[:16]}
            catalogue.audit.append("receive_model", "model", record.sha256, actor=catalogue.actor.id, details=details)
    except OSError as error:
        raise HostError(
            sentence("The model could not be stored: {strerror}.", strerror=error.strerror),
            "Check space and permissions.",
        ) from error
    finally:
        shutil.rmtree(bundle, ignore_errors=True)
    return record, lane.name


def _unpacked(path: Path) -> dict[str, bytes]:
    """Exactly the files of a model and its signature, each as it was packed and no larger than such a file is."""
    wanted = {SIGNATURE, *_FILES}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if set(entries) != wanted or len(archive.infolist()) != len(wanted):
                raise InputError(sentence("{path} is no model of another lane.", path=path), _AGAIN)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
                raise InputError(sentence("{path} is no model of another lane.", path=path), _AGAIN)
            if any(entry.file_size > _MOST_BYTES[name] for name, entry in entries.items()):
                raise InputError(sentence("{path} holds more than a model does.", path=path), _AGAIN)
            return {name: archive.read(entry) for name, entry in entries.items()}
    except OSError as error:
        raise InputError(
            sentence("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror), "Check the path."
        ) from error
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError) as error:
        raise InputError(sentence("{path} is damaged, or no model of another lane.", path=path), _AGAIN) from error
