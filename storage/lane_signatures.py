"""What a lane signs and what another one checks: the digests of some files, with the key of whoever sent them.

One form for models (`storage.model_transfer`) and sessions (`storage.session_signature`). Who may sign is another
question: `storage.repositories.lanes` knows who is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import InputError
from core.untrusted import json_value
from storage.audit_key import signed_by
from storage.catalogue import Catalogue
from storage.forms import canonical

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Signature:
    """``lane``: the public key that signed. ``files``: SHA-256 of each file, hexadecimal, by its name."""

    lane: str
    files: Mapping[str, str]


def sign(catalogue: Catalogue, form: str, files: Mapping[str, str]) -> bytes:
    """The signature file of this lane over ``files``; ``form`` says of what.

    Raises:
        HostError: the key is missing or damaged.
    """
    told: dict[str, object] = {
        "schema": SCHEMA,
        "form": form,
        "lane": catalogue.lanes.own_key(),
        "sent_utc_s": catalogue.clock.utc_s(),
        "files": dict(files),
    }
    told["signature"] = catalogue.audit.sign_for_lanes(canonical(told).encode())
    return canonical(told).encode()


def read_signature(text: bytes, form: str, remedy: str) -> Signature:
    """A signature file whose own signature is good.

    Raises:
        InputError: it cannot be read, is of something else, or was changed; ``remedy`` says what to do.
    """
    try:
        told = json_value(text)
    except ValueError as error:
        raise InputError("The signature cannot be read.", remedy) from error
    if not isinstance(told, dict) or (told.get("form"), told.get("schema")) != (form, SCHEMA):
        raise InputError("The signature is not of this program.", remedy)
    signature, lane, files = str(told.pop("signature", "")), str(told.get("lane")), told.get("files")
    try:
        content = canonical(told).encode()
    except ValueError as error:  # JSON can hold what no signature of ours does: half a character, no number
        raise InputError("The signature is not of this program.", remedy) from error
    if not isinstance(files, dict) or not signed_by(lane, content, signature):
        raise InputError("The signature is not good: something was changed on its way.", remedy)
    return Signature(lane, {str(name): str(digest) for name, digest in files.items()})
