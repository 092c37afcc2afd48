"""When a verdict was stored by a clock that nobody can set (`storage.repositories.trusted_time`)."""

from __future__ import annotations

from storage.migrations import Migration

TRUSTED_TIMES = Migration("trusted times of verdicts", ("ALTER TABLE verdicts ADD COLUMN passed_s REAL",))
"""Seconds since the data folder's first look at a clock; NULL for verdicts of before."""
