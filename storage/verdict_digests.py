"""What the audit entry of a verdict says of its row, so that a row that was changed by hand is found.

An erasure takes the measurements out of a trace. So the entry holds three digests: of the row without its trace, of the
trace, and of the trace as an erasure leaves it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from storage.database import Row
from storage.forms import canonical

COVERED = (
    "id", "committed_utc_s", "passed_s", "session", "presentation", "source_kind", "shadow", "t_s", "outcome", "reason",
    "mask", "score", "threshold", "rule", "model", "duration_ms", "attended_by",
)  # fmt: skip
"""The columns of a verdict that nobody ever changes."""
_REAL = frozenset({"committed_utc_s", "passed_s", "t_s", "score", "threshold", "duration_ms"})


def without_measurements(trace: str) -> str:
    """A trace with its rule, threshold and model, and without anything that was measured of a face."""
    return canonical({**json.loads(trace), "frame_sets": [], "evidence": [], "boxes": [], "notes": ["erased"]})


def digests(row: Row) -> dict[str, Any]:
    """The digests for the audit entry of a row that is just being stored."""
    return {
        "row_sha256": row_digest(row),
        "trace_sha256": text_digest(row["trace"]),
        "erased_sha256": text_digest(without_measurements(row["trace"])),
    }


def row_digest(row: Row) -> str:
    """Of `COVERED`. Raises ``ValueError`` or ``TypeError`` on what no row of ours can hold."""
    # SQLite stores a whole number in such a column as a real one.
    covered = {name: float(row[name]) if name in _REAL and row[name] is not None else row[name] for name in COVERED}
    return text_digest(canonical(covered))


def text_digest(text: str) -> str:
    """SHA-256, in hexadecimal; also of text that is no Unicode, as somebody may have written it."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
