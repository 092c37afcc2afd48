"""The audit log as a file for whoever reads it elsewhere: one entry a line, and a signed line that closes it.

With the public key of the last line anybody can check that the file is whole and came from this data folder; the hashes
of the entries themselves need the folder's key. It holds pseudonyms, no names.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from core.access import Permission
from core.errors import HostError, InputError, sentence
from storage.audit_key import read_chain_key, signed_by
from storage.audit_rows import rows_after
from storage.catalogue import Catalogue
from storage.forms import canonical

SCHEMA = 1


def export_audit(catalogue: Catalogue, out: Path) -> int:
    """Write the whole log to ``out`` (JSON lines); returns how many entries.

    Raises:
        DeniedError: whoever acts may not read the log.
        InputError: the log is empty.
        HostError: the file cannot be written.
    """
    catalogue.require(Permission.AUDIT)
    key = read_chain_key(catalogue.folder.audit_key)
    if key is None:
        raise InputError("There is nothing in the audit log yet.", "It begins with the first station or change.")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    digest, count = hashlib.sha256(), 0
    try:
        with temporary.open("wb") as file:
            for row in rows_after(catalogue.file, 0):
                form = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
                line = json.dumps(form, sort_keys=True).encode() + b"\n"
                digest.update(line)
                file.write(line)
                count += 1
            close = {"schema": SCHEMA, "entries": count, "sha256": digest.hexdigest(), "utc_s": catalogue.clock.utc_s()}
            close |= {"chain": key.id, "public": key.public}
            file.write(canonical({**close, "signature": key.sign(canonical(close).encode())}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=out, strerror=error.strerror),
            "Check free space and permissions.",
        ) from error
    catalogue.audit.append("export", "audit", str(count), actor=catalogue.actor.id)
    return count


def check_export(path: Path) -> int:
    """Number of entries in an exported file that is whole.

    Raises:
        InputError: it is none, or was changed.
    """
    *lines, last = path.read_bytes().splitlines(keepends=True) or [b""]
    try:
        close = json.loads(last)
        signature = close.pop("signature")
        same = (close["entries"], close["sha256"]) == (len(lines), hashlib.sha256(b"".join(lines)).hexdigest())
        genuine = signed_by(close["public"], canonical(close).encode(), signature)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            sentence("{path} is no export of an audit log.", path=path), "Give the file as it was written."
        ) from error
    if not same or not genuine:
        raise InputError(sentence("{path} was changed after it was exported.", path=path), "Export the log again.")
    return len(lines)
