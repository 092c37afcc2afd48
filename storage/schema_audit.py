"""The keyed chain of the audit log (reliability.md section 2.6): which key an entry was chained by."""

from __future__ import annotations

from storage.migrations import Migration

CHAIN = Migration(
    "audit chain",
    (
        # Adding a column is no UPDATE: the triggers that keep the log as it is do not speak up.
        "ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX audit_actor ON audit (actor, id)",
        "CREATE INDEX audit_utc_s ON audit (utc_s, id)",
    ),
)
