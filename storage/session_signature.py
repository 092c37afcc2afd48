"""Exported sessions are signed by the lane that exports them; an import says who signed, if anybody did.

A folder without a signature is taken as before, and told to be of nobody known: whoever changes it can take the
signature away. One whose signature is there must be as it was signed, to the byte.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import HostError, InputError, sentence
from storage.atomic import write_atomically
from storage.catalogue import Catalogue
from storage.lane_signatures import read_signature, sign

SIGNATURE = "sallyport-signature.json"
_FORM = "sallyport session"
_MOST_BYTES = 1 << 28
"""Of the signature file: some million names."""
_AGAIN = (
    "Let the other lane export it again. If you changed it yourself, remove sallyport-signature.json: then it comes in "
    "as unsigned."
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who signed what was imported. ``lane``: the key, empty where nobody did; ``name``: of a lane trusted here."""

    lane: str = ""
    name: str = ""
    own: bool = False
    """This lane signed it itself."""

    @property
    def trusted(self) -> bool:
        """Whether somebody here trusts the lane."""
        return self.own or bool(self.name)

    def as_json(self) -> dict[str, str | bool]:
        """For the audit log."""
        return {"lane": self.lane, "name": self.name, "trusted": self.trusted}

    @classmethod
    def of_entry(cls, details: object) -> Provenance:
        """Back from an entry of the audit log."""
        told = details if isinstance(details, dict) else {}
        lane, name = str(told.get("lane", "")), str(told.get("name", ""))
        return cls(lane, name, own=bool(told.get("trusted")) and not name)


def sign_export(catalogue: Catalogue, folder: Path) -> None:
    """Sign every file below ``folder``. Raises `HostError`: a file cannot be read, or the signature not written."""
    digests = {name: _sha256(path) for name, path in _files(folder).items()}
    write_atomically(folder / SIGNATURE, sign(catalogue, _FORM, digests))


def provenance_of(catalogue: Catalogue, manifest: Path) -> Provenance:
    """Who signed the export to which ``manifest`` belongs; every signed file is read.

    Raises:
        InputError: there is a signature, and it is not good, or a file is gone or not as it was signed.
        HostError: a file cannot be read.
    """
    path = manifest.parent / SIGNATURE
    if not path.is_file():
        return Provenance()
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(sentence("{path} holds more than a signature does.", path=path), _AGAIN)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise HostError(
            sentence("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror), "Check the path."
        ) from error
    signed = read_signature(text, _FORM, _AGAIN)
    if manifest.name not in signed.files:  # another manifest, that somebody wrote beside the signed one
        return Provenance()
    found = _files(manifest.parent)
    for name, digest in signed.files.items():
        if name not in found or _sha256(found[name]) != digest:
            raise InputError(sentence("{name} is not as it was signed.", name=name), _AGAIN)
    known = catalogue.lanes.knows(signed.lane)
    own = signed.lane == catalogue.lanes.own_key()
    return Provenance(signed.lane, "" if known is None else known.name, own)


def _files(folder: Path) -> dict[str, Path]:
    """Every file below ``folder`` by its name from there, without the signature."""
    try:
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    except OSError as error:
        raise HostError(
            sentence("{path} cannot be read: {strerror}.", path=folder, strerror=error.strerror),
            "Check path and permissions.",
        ) from error
    found.pop(SIGNATURE, None)
    return found


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HostError(
            sentence("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror),
            "Check path and permissions.",
        ) from error
