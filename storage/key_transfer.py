"""Data keys on their way to another place: backups hold none, so that a backup never brings back who was erased.

An export holds every data key that stands, sealed by a code that is shown once. File and code together open the
backups; whoever erases a subject destroys older exports (the certificate names them).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.access import Permission
from core.errors import InputError, sentence
from storage.atomic import write_atomically
from storage.catalogue import Catalogue
from storage.database import Row
from storage.forms import canonical
from storage.identifiers import random_id
from storage.sealing import DataKey
from storage.site_key import new_recovery_code, unwrap_for_recovery, wrap, wrap_for_recovery

SCHEMA = 1
_FORM = "sallyport keys"


@dataclass(frozen=True, slots=True)
class ImportedKeys:
    """What an import did. ``refused``: keys of what was erased here, which stay destroyed."""

    taken: int
    known: int
    refused: int


def export_keys(catalogue: Catalogue, path: Path) -> str:
    """Write all data keys to ``path``; returns the code that opens the file, which is kept nowhere.

    Raises:
        DeniedError: whoever acts may not.
        LockedError: the site is locked.
        InputError: there is a file already.
        HostError: it cannot be written.
    """
    catalogue.require(Permission.KEYS)
    if path.exists():
        raise InputError(sentence("{path} is there already.", path=path), "Choose a new file.")
    rows = catalogue.file.rows("SELECT id, subject, parent FROM keys WHERE wrapped IS NOT NULL ORDER BY id")
    keys = [{**row, "secret": catalogue.vault.key(row["id"]).secret.hex()} for row in rows]
    code, identity = new_recovery_code(), random_id("keys")
    document = {
        "schema": SCHEMA,
        "form": _FORM,
        "id": identity,
        "created_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(catalogue.clock.utc_s())),
        "count": len(keys),
        "sealed": wrap_for_recovery(canonical(keys).encode(), identity, code).hex(),
    }
    # First the note, then the file: a certificate of erasure names every export that may exist.
    details = {"count": len(keys)}
    catalogue.audit.append("export_keys", "keys", identity, actor=catalogue.actor.id, details=details)
    write_atomically(path, (json.dumps(document, indent=1) + "\n").encode(), 0o600)
    return code


def import_keys(catalogue: Catalogue, path: Path, code: str) -> ImportedKeys:
    """Take the data keys of an export into this folder, wrapped by its own site key.

    Raises:
        InputError: it is no export, or the code is mistyped.
        LockedError: the code is another one, or the site is locked.
    """
    catalogue.require(Permission.KEYS)
    document = _read(path)
    try:
        keys = json.loads(unwrap_for_recovery(bytes.fromhex(document["sealed"]), document["id"], code))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(sentence("{path} is damaged.", path=path), "Use another copy of it.") from error
    by_id = {key["id"]: DataKey(key["id"], bytes.fromhex(key["secret"])) for key in keys}
    taken = known = refused = 0
    with catalogue.transaction():
        for key in sorted(keys, key=lambda key: key["parent"] is not None):
            row = catalogue.file.row("SELECT * FROM keys WHERE id = ?", (key["id"],))
            if row is None or row["destroyed_utc_s"] is not None or _is_erased(catalogue, row):
                refused += 1
            elif row["wrapped"] is not None:
                known += 1
            else:
                by = catalogue.vault.site_key().wrapping if row["parent"] is None else by_id[row["parent"]]
                wrapped = wrap(by_id[key["id"]], by, row["subject"] or "")
                catalogue.file.change("UPDATE keys SET wrapped = ? WHERE id = ?", (wrapped, key["id"]))
                taken += 1
        details = {"taken": taken, "refused": refused}
        catalogue.audit.append("import_keys", "keys", document["id"], actor=catalogue.actor.id, details=details)
    return ImportedKeys(taken, known, refused)


def _is_erased(catalogue: Catalogue, row: Row) -> bool:
    return row["subject"] is not None and catalogue.subjects.get(row["subject"]).state != "active"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            sentence("{path} is no export of keys.", path=path), "Make one with `main.py keys export`."
        ) from error
    if not isinstance(document, dict) or document.get("form") != _FORM or document.get("schema") != SCHEMA:
        raise InputError(
            sentence("{path} is no export of keys of this version.", path=path), "Make one with `main.py keys export`."
        )
    return document
