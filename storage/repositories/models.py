"""Rows of the model registry: models, aliases and the history of deployments. `storage.registry` owns the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.codes import ModelRole
from storage.database import DatabaseFile, Row
from storage.repositories.audit import AuditLog


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model. ``sha256`` is that of its weights; ``path`` is its bundle, relative paths within the data folder."""

    sha256: str
    name: str
    path: str
    origin: str
    parent: str
    architecture: str
    job: str
    manifest: Mapping[str, Any]
    manifest_sha256: str
    added_utc_s: float
    roles: tuple[ModelRole, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One change of the champion."""

    id: int
    utc_s: float
    action: str
    sha256: str
    replaced: str
    actor: str
    reason: str


class Models:
    """Model rows; every method joins the caller's transaction."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit

    def add(self, row: Row, actor: str) -> None:
        """Insert a model (columns of the table but ``added_utc_s``) with its audit row."""
        with self._file.transaction():
            self._file.insert("models", {**row, "added_utc_s": self._clock.utc_s()})
            details = {"name": row["name"], "origin": row["origin"], "parent": row["parent"]}
            self._audit.append("add", "model", row["sha256"], actor=actor, details=details)

    def find(self, reference: str) -> ModelRecord | None:
        """By alias, by name, by sha256, or by a sha256 prefix of at least eight digits that fits one model only."""
        by_alias = "SELECT m.* FROM models AS m JOIN aliases AS a ON a.sha256 = m.sha256 WHERE a.alias = ?"
        exact = "SELECT * FROM models WHERE name = ?1 OR sha256 = ?1"
        row = self._file.row(by_alias, (reference,)) or self._file.row(exact, (reference,))
        if row is None and len(reference) >= 8 and set(reference) <= set("0123456789abcdef"):
            found = self._file.rows("SELECT * FROM models WHERE sha256 GLOB ?", (f"{reference}*",))
            row = found[0] if len(found) == 1 else None
        return None if row is None else self._record(row)

    def all(self) -> list[ModelRecord]:
        """All models, newest first."""
        return [
            self._record(row) for row in self._file.rows("SELECT * FROM models ORDER BY added_utc_s DESC, rowid DESC")
        ]

    def trained_on_erased(self) -> dict[str, list[str]]:
        """Erasures by the sha256 of the models that were trained on what they erased."""
        found: dict[str, list[str]] = {}
        for row in self._file.rows("SELECT sha256, erasure FROM model_flags ORDER BY utc_s, erasure"):
            found.setdefault(row["sha256"], []).append(row["erasure"])
        return found

    def alias(self, role: ModelRole) -> str:
        """sha256 of the model in that role; empty when there is none."""
        return str(self._file.value("SELECT sha256 FROM aliases WHERE alias = ?", (str(role),)) or "")

    def set_alias(self, role: ModelRole, sha256: str) -> None:
        """Give the role to a model; an empty ``sha256`` leaves it vacant."""
        with self._file.transaction():
            self._file.change("DELETE FROM aliases WHERE alias = ?", (str(role),))
            if sha256:
                row = {"alias": str(role), "sha256": sha256, "since_utc_s": self._clock.utc_s()}
                self._file.insert("aliases", row)

    def record_deployment(self, action: str, sha256: str, replaced: str, actor: str, reason: str) -> None:
        """Write the history and the audit row of a change of champion."""
        row = {
            "utc_s": self._clock.utc_s(),
            "action": action,
            "sha256": sha256,
            "replaced": replaced,
            "actor": actor,
            "reason": reason,
        }
        with self._file.transaction():
            self._file.insert("deployments", row)
            details = {"replaced": replaced}
            self._audit.append(action, "model", sha256, actor=actor, reason=reason, details=details)

    def deployments(self) -> list[Deployment]:
        """Every change of the champion, newest first."""
        return [Deployment(**row) for row in self._file.rows("SELECT * FROM deployments ORDER BY id DESC")]

    def _record(self, row: Row) -> ModelRecord:
        sql = "SELECT alias FROM aliases WHERE sha256 = ? ORDER BY alias"
        roles = tuple(ModelRole(found["alias"]) for found in self._file.rows(sql, (row["sha256"],)))
        kept = {name: value for name, value in row.items() if name != "signature"}
        return ModelRecord(**{**kept, "manifest": json.loads(row["manifest"])}, roles=roles)
