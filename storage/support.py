"""Reports for whoever helps from outside (anchors.md, ADR-0008): one that may be shared, one for the technician.

The **safe** report holds versions, checks, counts, timings and scrubbed logs: no face, no subject, no pseudonym, no
serial number, no name, no path of a home folder. It is made of figures and of words of the program alone
(`core.scrubbing`). The **privileged** one holds the decision traces, camera identities and plain logs of the last
hours; still no pixels. What a person is shown before it is written is what is written: the same `Piece` objects.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.metadata
import json
import os
import platform
import socket
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.access import Permission
from core.checks import Check
from core.errors import HostError, sentence
from core.scrubbing import scrub, scrub_log
from storage.audit_verify import verify_tail
from storage.catalogue import Catalogue
from storage.database import check_version_of_library

LOG_BYTES = 400_000
"""So much of the end of each log goes in."""
HOURS = 24.0
_LIBRARIES = (
    "PySide6-Essentials", "numpy", "opencv-python-headless", "pyrealsense2", "pysqlite3", "sqlite-utils", "torch",
    "cryptography", "keyring",
)  # fmt: skip
_COUNTS = {
    "sessions by state": "SELECT state AS name, count(*) AS n FROM sessions GROUP BY 1",
    "sessions by source": "SELECT source_kind AS name, count(*) AS n FROM sessions GROUP BY 1",
    "verdicts by outcome": "SELECT outcome AS name, count(*) AS n FROM verdicts GROUP BY 1",
    "verdicts by reason": "SELECT reason AS name, count(*) AS n FROM verdicts GROUP BY 1",
    "verdicts by mask": "SELECT mask AS name, count(*) AS n FROM verdicts GROUP BY 1",
    "models by origin": "SELECT origin AS name, count(*) AS n FROM models GROUP BY 1",
    "jobs by state": "SELECT state AS name, count(*) AS n FROM jobs GROUP BY 1",
    "audit by action": "SELECT action AS name, count(*) AS n FROM audit GROUP BY 1",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a report."""

    name: str
    text: str


def safe_report(catalogue: Catalogue, logs: Path, checks: Sequence[Check]) -> list[Piece]:
    """The pieces of a report that may be shared.

    Raises:
        DeniedError: whoever acts may make no reports.
    """
    catalogue.require(Permission.SUPPORT)
    known = _identifiers(catalogue)
    counts = {
        what: {scrub(str(r["name"]), known): r["n"] for r in catalogue.file.rows(sql)} for what, sql in _COUNTS.items()
    }
    said = [
        {"name": c.name, "finding": str(c.finding), "detail": scrub(c.detail, known), "remedy": scrub(c.remedy, known)}
        for c in checks
    ]
    pieces = [
        Piece("versions.json", _json(_versions())),
        Piece("checks.json", _json(said)),
        Piece("figures.json", _json({"counts": counts, "verdict_ms": _timings(catalogue), "audit": _audit(catalogue)})),
    ]
    pieces += [Piece(f"logs/{path.name}", scrub_log(_end(path), known)) for path in _logs(logs)]
    return pieces


def privileged_report(catalogue: Catalogue, logs: Path, checks: Sequence[Check], hours: float = HOURS) -> list[Piece]:
    """The pieces of a trace for the technician: what the last ``hours`` decided, on which cameras, and why.

    Raises:
        DeniedError: whoever acts may not look at traces.
    """
    catalogue.require(Permission.SUPPORT)
    catalogue.require(Permission.REVIEW)
    since = catalogue.clock.utc_s() - 3600.0 * hours
    verdicts = catalogue.file.rows("SELECT * FROM verdicts WHERE committed_utc_s >= ? ORDER BY id", (since,))
    for row in verdicts:
        row["trace"] = json.loads(row["trace"])
    cameras = catalogue.file.rows(
        "SELECT id, source_kind, device, profiles, calibration_sha256, state, problem FROM sessions "
        "WHERE created_utc_s >= ? ORDER BY created_utc_s",
        (since,),
    )
    for row in cameras:
        row |= {name: json.loads(row[name]) for name in ("device", "profiles")}
    log = catalogue.file.rows(
        "SELECT id, utc_s, actor, action, object_kind, object, reason, details FROM audit WHERE utc_s >= ? ORDER BY id",
        (since,),
    )
    pieces = [
        Piece("versions.json", _json(_versions())),
        Piece("checks.json", _json([_plain(check) for check in checks])),
        Piece("verdicts.json", _json(verdicts)),
        Piece("cameras.json", _json(cameras)),
        Piece("audit.json", _json(log)),
    ]
    return pieces + [Piece(f"logs/{path.name}", _end(path)) for path in _logs(logs)]


def write_report(catalogue: Catalogue, pieces: Iterable[Piece], out: Path, privileged: bool = False) -> int:
    """Write the pieces into a ZIP file; returns how many. The audit says who made which kind of report.

    Raises:
        DeniedError: whoever acts may make no reports.
        HostError: it cannot be written.
    """
    catalogue.require(Permission.SUPPORT)
    pieces = list(pieces)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
            for piece in pieces:
                entry = zipfile.ZipInfo(piece.name)  # without the time of writing: it says when people work
                entry.external_attr = 0o600 << 16  # else nobody may read what comes out of it
                file.writestr(entry, piece.text, zipfile.ZIP_DEFLATED)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=out, strerror=error.strerror),
            "Check free space and permissions.",
        ) from error
    kind = "privileged" if privileged else "safe"
    catalogue.audit.append("support", "report", kind, actor=catalogue.actor.id, details={"pieces": len(pieces)})
    return len(pieces)


def _identifiers(catalogue: Catalogue) -> set[str]:
    """What is known to identify somebody or something here, to be taken out even where it is an ordinary word."""
    columns = {
        "subjects": ("id", "pseudonym", "collection", "notes"),
        "consents": ("id", "reference", "guardian", "withdrawn_by", "operator", "collection_site", "signer_method"),
        "sessions": ("id", "name"),
        "presentations": ("id", "name"),
        "artefacts": ("id", "name", "maker", "notes", "photo"),
        "accounts": ("name",),
        "jobs": ("id",),
    }
    found = {socket.gethostname(), Path.home().name, *Path(catalogue.folder.root).parts}
    for table, names in columns.items():
        for name in names:
            found.update(str(row["v"]) for row in catalogue.file.rows(f"SELECT DISTINCT {name} AS v FROM {table}"))
    for row in catalogue.file.rows("SELECT DISTINCT device FROM sessions"):
        device = json.loads(row["device"])
        found.update(str(device.get(name, "")) for name in ("serial", "asic_serial", "port"))
    sql = "SELECT DISTINCT object AS v FROM audit WHERE object_kind IN ('subject', 'consent', 'session', 'account')"
    found.update(str(row["v"]) for row in catalogue.file.rows(sql))
    with contextlib.suppress(OSError, KeyError):
        found.add(getpass.getuser())
    return {text for text in found if text not in ("", "/", "None")}


def _versions() -> dict[str, Any]:
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            libraries[name] = "missing"
    return {
        "schema": 1,
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "sqlite": check_version_of_library(),
        "libraries": libraries,
    }


def _timings(catalogue: Catalogue) -> dict[str, Any]:
    """How long presentations took to a verdict; NIST asks for p50, p95, p99."""
    total = int(catalogue.file.value("SELECT count(*) FROM verdicts"))
    sql = "SELECT duration_ms FROM verdicts ORDER BY duration_ms LIMIT 1 OFFSET ?"
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    at = {name: catalogue.file.value(sql, (round(share * (total - 1)),)) for name, share in shares.items() if total}
    return {"n": total, **at}


def _audit(catalogue: Catalogue) -> dict[str, Any]:
    report = verify_tail(catalogue)
    return {"intact": report.intact, "entries": report.entries, "faults": [str(f.fault) for f in report.findings]}


def _logs(folder: Path) -> list[Path]:
    """Logs and crash files of this program's processes; the names are the program's."""
    names = ("window", "run", "shift", "capture", "inference", "adapt", "retention")
    found = [folder / f"{name}{kind}" for name in names for kind in (".log", ".crash")]
    return [path for path in found if path.is_file() and path.stat().st_size]


def _end(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        return file.read().decode(errors="replace")


def _plain(check: Check) -> dict[str, str]:
    return {"name": check.name, "finding": str(check.finding), "detail": check.detail, "remedy": check.remedy}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str, ensure_ascii=False) + "\n"
