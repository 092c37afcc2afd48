"""How much would go if what is due were erased now: counted before a person says yes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.access import Permission
from storage.catalogue import Catalogue
from storage.erasure.inventory import TargetKind, replays, sessions_of
from storage.retention_run import run_retention


@dataclass(frozen=True, slots=True)
class Going:
    """``people`` are shown in what goes; ``wholly``: those of them of whom nothing stays."""

    sessions: int
    presentations: int
    people: int
    wholly: int


def what_goes(catalogue: Catalogue) -> Going:
    """Count it, replays and what was recorded in sessions of others included.

    Raises:
        DeniedError: whoever acts may not.
    """
    catalogue.require(Permission.RETENTION)
    ready = [expiry.target for expiry in run_retention(catalogue, dry_run=True).ready]
    subjects = sorted(target.id for target in ready if target.kind is TargetKind.SUBJECT)
    known = replays(catalogue)
    sessions = {row["id"]: row["subject"] for target in ready for row in sessions_of(catalogue, target, known)}
    sql = """
        SELECT count(*) AS n, json_group_array(DISTINCT subject) AS people FROM presentations
        WHERE session IN (SELECT value FROM json_each(?)) OR subject IN (SELECT value FROM json_each(?))
    """
    row = catalogue.file.row(sql, (json.dumps(sorted(sessions)), json.dumps(subjects)))
    assert row is not None
    people = {*json.loads(row["people"]), *sessions.values(), *subjects} - {None, ""}
    return Going(len(sessions), row["n"], len(people), len(subjects))
