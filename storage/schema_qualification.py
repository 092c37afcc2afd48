"""Qualification in the catalogue: which verdicts are shadow verdicts."""

from __future__ import annotations

from storage.migrations import Migration

SHADOW = Migration(
    "shadow verdicts",
    (
        "ALTER TABLE verdicts ADD COLUMN shadow INTEGER NOT NULL DEFAULT 1 CHECK (shadow IN (0, 1))",
        # No live camera was qualified before there was a qualification; what is not live is never a shadow verdict.
        "UPDATE verdicts SET shadow = 0 WHERE source_kind <> 'live'",
        "CREATE INDEX verdicts_shadow ON verdicts (shadow, id)",
    ),
)
