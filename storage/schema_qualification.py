"""Qualification in the catalogue: which verdicts are shadow verdicts, what each camera has shown, and shift checks."""

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

QUALIFICATIONS = Migration(
    "qualifications",
    (
        """
        CREATE TABLE qualifications (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            camera TEXT NOT NULL CHECK (camera <> ''),
            source_kind TEXT NOT NULL,
            identity TEXT NOT NULL,
            mask TEXT NOT NULL CHECK (mask <> 'none'),
            model TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('not_qualified', 'measuring', 'presenting', 'qualified', 'revoked')),
            reason TEXT NOT NULL,
            note TEXT NOT NULL DEFAULT '',
            placements TEXT NOT NULL DEFAULT '[]',
            checks TEXT NOT NULL DEFAULT '[]',
            evidence TEXT NOT NULL DEFAULT '{}',
            actor TEXT NOT NULL,
            begun_utc_s REAL NOT NULL,
            changed_utc_s REAL NOT NULL
        ) STRICT
        """,
        "CREATE INDEX qualifications_camera ON qualifications (camera, id)",
        """
        CREATE UNIQUE INDEX qualifications_one_at_a_time ON qualifications (camera, mask, model)
        WHERE state IN ('measuring', 'presenting', 'qualified')
        """,
        # Presentations of these sessions are the takes of a qualification.
        """
        CREATE TABLE qualification_sessions (
            session TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
            qualification INTEGER NOT NULL REFERENCES qualifications (id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX qualification_sessions_qualification ON qualification_sessions (qualification)",
    ),
)

SHIFT_CHECKS = Migration(
    "start-of-shift checks",
    (
        """
        CREATE TABLE shift_checks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            camera TEXT NOT NULL CHECK (camera <> ''),
            source_kind TEXT NOT NULL,
            model TEXT NOT NULL,
            bona_fide INTEGER NOT NULL REFERENCES verdicts (id),
            kit_print INTEGER NOT NULL REFERENCES verdicts (id),
            passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
            actor TEXT NOT NULL,
            utc_s REAL NOT NULL
        ) STRICT
        """,
        "CREATE INDEX shift_checks_camera ON shift_checks (camera, model, id)",
    ),
)
