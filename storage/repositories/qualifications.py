"""Qualifications: one row per try of a camera with a mask and a model. Every change of state is a transaction with its
audit row, and the row keeps the evidence that set the state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from core.camera_identity import CameraIdentity
from core.clock import Clock
from core.codes import CameraFigure, Outcome, QualificationReason, QualificationState, SourceKind
from core.errors import InputError, sentence
from core.frames import ModalityMask
from core.qualification.checks import Check, passed
from core.qualification.record import Qualification, camera_key, changed, step
from core.qualification.report import told_bound
from core.qualification.rules import Judgement, Take, judge, requirements
from core.qualification.wall import Placement
from storage.database import DatabaseFile, Row
from storage.forms import Json, canonical
from storage.repositories.audit import AuditLog


class Qualifications:
    """All qualifications of this station."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit

    # --- reading ------------------------------------------------------------------------------------------------

    def all(self) -> list[Qualification]:
        """Every record, oldest first."""
        return [_record(row) for row in self._file.rows("SELECT * FROM qualifications ORDER BY id")]

    def of_camera(self, camera: str) -> list[Qualification]:
        """The records of one camera (`core.qualification.record.camera_key`), oldest first."""
        rows = self._file.rows("SELECT * FROM qualifications WHERE camera = ? ORDER BY id", (camera,))
        return [_record(row) for row in rows]

    def get(self, qualification: int) -> Qualification:
        """The record; raises `InputError` when there is none of that number."""
        row = self._file.row("SELECT * FROM qualifications WHERE id = ?", (qualification,))
        if row is None:
            raise InputError(
                sentence("There is no qualification {qualification}.", qualification=qualification),
                "List them with `main.py qualify status`.",
            )
        return _record(row)

    def takes(self, qualification: int) -> list[Take]:
        """The labelled presentations with a verdict of the model and kind of source that are to be qualified."""
        sql = """
            SELECT p.id, p.subject, p.species, p.artefact, v.outcome, v.mask
            FROM qualifications AS q
            JOIN qualification_sessions AS qs ON qs.qualification = q.id
            JOIN presentations AS p ON p.session = qs.session
            JOIN verdicts AS v ON v.presentation = p.id AND v.model = q.model AND v.source_kind = q.source_kind
            WHERE q.id = ? AND p.species IS NOT NULL
            ORDER BY v.id
        """
        return [
            Take(
                presentation=row["id"],
                subject=row["subject"] or "",
                species=row["species"],
                artefact=row["artefact"] or "",
                outcome=Outcome(row["outcome"]),
                mask=ModalityMask.parse(row["mask"]),
            )
            for row in self._file.rows(sql, (qualification,))
        ]

    def judgement(self, qualification: int) -> Judgement:
        """Where its presentations stand, by the rules of its kind of source."""
        record = self.get(qualification)
        return judge(self.takes(qualification), record.mask, requirements(record.source_kind))

    def evidence(self, qualification: int) -> Json:
        """What its presentations amounted to when it was concluded; empty before."""
        self.get(qualification)
        text = self._file.value("SELECT evidence FROM qualifications WHERE id = ?", (qualification,))
        found: Json = json.loads(text)
        return found

    # --- changing -----------------------------------------------------------------------------------------------

    def begin(
        self, identity: CameraIdentity, source_kind: SourceKind, mask: ModalityMask, model: str, actor: str
    ) -> int:
        """Begin to measure; returns the number.

        Raises:
            InputError: one runs or stands for this camera, mask and model, or a live camera states no serial number.
        """
        if not mask or not model:
            raise InputError("A qualification needs sensors and a model.", "Wait until both are there.")
        camera, now = camera_key(identity, source_kind), self._clock.utc_s()
        with self._file.transaction():
            for record in self.of_camera(camera):
                standing = record.running or record.state is QualificationState.QUALIFIED
                if standing and (record.mask, record.model) == (mask, model):
                    raise InputError(
                        sentence("Qualification {id} of this camera is {state}.", id=record.id, state=record.state),
                        "Go on with it, or revoke it.",
                    )
            row = {
                "camera": camera,
                "source_kind": str(source_kind),
                "identity": identity.to_json(),
                "mask": str(mask),
                "model": model,
                "state": str(QualificationState.MEASURING),
                "reason": str(QualificationReason.BEGUN),
                "actor": actor,
                "begun_utc_s": now,
                "changed_utc_s": now,
            }
            number = self._file.insert("qualifications", row)
            details = {"source_kind": str(source_kind), "mask": str(mask), "model": model}
            self._audit.append("begin", "qualification", str(number), actor=actor, details=details)
        return number

    def measured(
        self, qualification: int, placements: Sequence[Placement], checks: Sequence[Check], passed: bool, actor: str
    ) -> None:
        """Keep what was measured; where it passed, presentations may begin."""
        with self._file.transaction():
            if self.get(qualification).state is not QualificationState.MEASURING:
                raise InputError(
                    sentence("Qualification {qualification} is not measuring any more.", qualification=qualification),
                    "See `main.py qualify status`.",
                )
            forms = canonical([_placement_json(p) for p in placements]), canonical([asdict(c) for c in checks])
            sql = "UPDATE qualifications SET placements = ?, checks = ?, changed_utc_s = ? WHERE id = ?"
            self._file.change(sql, (*forms, self._clock.utc_s(), qualification))
            if passed:
                self._move(qualification, QualificationState.PRESENTING, QualificationReason.MEASURED, actor)

    def attach(self, qualification: int, session: str) -> None:
        """The presentations of this session are takes of the qualification. Raises `InputError` unless it presents."""
        with self._file.transaction():
            if self.get(qualification).state is not QualificationState.PRESENTING:
                raise InputError(
                    sentence("Qualification {qualification} takes no presentations.", qualification=qualification),
                    "Measure the camera first.",
                )
            self._file.insert("qualification_sessions", {"session": session, "qualification": qualification})

    def conclude(self, qualification: int, actor: str) -> Judgement:
        """Call it qualified, if its stored presentations are enough; they are read again here, whoever asks.

        Raises:
            InputError: something is missing, or it does not present.
        """
        with self._file.transaction():
            found = self.judgement(qualification)
            if not found.enough:
                lacks = ", ".join(f"{lack.more} {lack.what} {lack.species}".rstrip() for lack in found.missing)
                raise InputError(
                    sentence("Qualification {qualification} is not complete.", qualification=qualification),
                    sentence("Missing: {lacks}.", lacks=lacks),
                )
            state, reason = QualificationState.QUALIFIED, QualificationReason.BOUNDS_MET
            self._move(qualification, state, reason, actor, evidence=_plain(found))
        return found

    def cancel(self, qualification: int, actor: str) -> None:
        """Give it up; what was taken stays stored and counts for nothing."""
        with self._file.transaction():
            self._move(qualification, QualificationState.NOT_QUALIFIED, QualificationReason.CANCELED, actor)

    def revoke(
        self,
        qualification: int,
        note: str,
        actor: str,
        reason: QualificationReason = QualificationReason.PERSON,
    ) -> None:
        """End it. A person says why. Raises `InputError` without a note, or when it has ended already."""
        if not note.strip():
            raise InputError("A qualification is revoked only with a reason.", "Say in a few words why.")
        with self._file.transaction():
            self._move(qualification, QualificationState.REVOKED, reason, actor, note)

    def follow(self, identity: CameraIdentity, source_kind: SourceKind) -> list[int]:
        """Revoke what belongs to this camera as it was before it changed; returns the numbers."""
        try:
            records = self.of_camera(camera_key(identity, source_kind))
        except InputError:
            return []
        ended = []
        for record in records:
            alive = record.running or record.state is QualificationState.QUALIFIED
            reason = changed(record, identity) if alive else QualificationReason.NONE
            if reason is not QualificationReason.NONE:
                differences = [f"{c.field}: {c.before} -> {c.after}" for c in record.identity.changes(identity)]
                self.revoke(record.id, "; ".join(differences), "station", reason)
                ended.append(record.id)
        return ended

    def _move(
        self,
        qualification: int,
        state: QualificationState,
        reason: QualificationReason,
        actor: str,
        note: str = "",
        evidence: Json | None = None,
    ) -> None:
        before = self.get(qualification).state
        step(before, state)
        sql = """
            UPDATE qualifications SET state = ?, reason = ?, note = ?, changed_utc_s = ?,
                evidence = coalesce(?, evidence)
            WHERE id = ?
        """
        kept = None if evidence is None else canonical(evidence)
        self._file.change(sql, (str(state), str(reason), note, self._clock.utc_s(), kept, qualification))
        # A note about a change of the device names its serial number: only a person's words go to the audit log.
        words = note if reason is QualificationReason.PERSON else ""
        details = {"from": str(before), "to": str(state), "reason": str(reason), **(evidence or {})}
        self._audit.append("qualify", "qualification", str(qualification), actor=actor, reason=words, details=details)


def commissioned(records: Sequence[Qualification], identity: CameraIdentity) -> dict[CameraFigure, float]:
    """The figures of the first measurement that passed, of this camera as it is now."""
    found: dict[CameraFigure, float] = {}
    for record in records:
        if passed(record.checks) and record.state is not QualificationState.MEASURING and _same(record, identity):
            for check in record.checks:
                if check.value is not None and check.passed:
                    found.setdefault(check.figure, check.value)
    return found


def _same(record: Qualification, identity: CameraIdentity) -> bool:
    return changed(record, identity) is QualificationReason.NONE


def _plain(judgement: Judgement) -> Json:
    """The figures of a judgement, without people."""
    of_species = {
        species: {**told_bound(found), "artefacts": judgement.artefacts[species]}
        for species, found in judgement.apcer.items()
    }
    return {"bpcer": told_bound(judgement.bpcer), "people": judgement.people, "apcer": of_species}


def _placement_json(placement: Placement) -> Json:
    return {"distance_mm": placement.distance_mm, "figures": dict(placement.figures)}


def _record(row: Row) -> Qualification:
    checks = (Check(**{**check, "figure": CameraFigure(check["figure"])}) for check in json.loads(row["checks"]))
    return Qualification(
        id=row["id"],
        camera=row["camera"],
        source_kind=SourceKind(row["source_kind"]),
        identity=CameraIdentity.from_json(row["identity"]),
        mask=ModalityMask.parse(row["mask"]),
        model=row["model"],
        state=QualificationState(row["state"]),
        reason=QualificationReason(row["reason"]),
        note=row["note"],
        placements=tuple(Placement(**placement) for placement in json.loads(row["placements"])),
        checks=tuple(checks),
        actor=row["actor"],
        begun_utc_s=row["begun_utc_s"],
        changed_utc_s=row["changed_utc_s"],
    )
