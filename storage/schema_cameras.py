"""Cameras in the catalogue: which a technician has accepted, and what each of them last said of itself.

Only live cameras stand here. ``cameras`` holds what was accepted, one row a serial number; ``sightings`` what the
station saw last, so that a difference can be shown and accepted while the camera is in use.
"""

from __future__ import annotations

from storage.migrations import Migration

CAMERAS = Migration(
    "commissioned cameras",
    (
        """
        CREATE TABLE cameras (
            serial TEXT PRIMARY KEY CHECK (serial <> ''),
            identity TEXT NOT NULL,
            fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
            accepted_utc_s REAL NOT NULL,
            accepted_by TEXT NOT NULL,
            reason TEXT NOT NULL CHECK (reason <> '')
        ) STRICT
        """,
        """
        CREATE TABLE sightings (
            serial TEXT PRIMARY KEY CHECK (serial <> ''),
            identity TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            seen_utc_s REAL NOT NULL
        ) STRICT
        """,
    ),
)
