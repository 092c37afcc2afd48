"""Start-of-shift checks: each rests on two stored verdicts, which are read again here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.clock import Clock
from core.codes import Outcome, SourceKind
from core.errors import InputError, sentence
from core.frames import ModalityMask
from core.qualification.shift import check_passed
from storage.database import DatabaseFile, Row
from storage.repositories.audit import AuditLog

FRESH_S = 1800.0
"""The two answers of a check are not older than this."""


@dataclass(frozen=True, slots=True)
class ShiftCheck:
    """A check that was made."""

    camera: str
    model: str
    passed: bool
    actor: str
    utc_s: float


class ShiftChecks:
    """All checks of this station."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit

    def checked_utc_s(self, camera: str, model: str) -> float | None:
        """When the newest check of this camera with this model passed; ``None`` without one, or if it failed."""
        sql = "SELECT passed, utc_s FROM shift_checks WHERE camera = ? AND model = ? ORDER BY id DESC LIMIT 1"
        row = self._file.row(sql, (camera, model))
        return float(row["utc_s"]) if row is not None and row["passed"] else None

    def newest(self, count: int = 20) -> list[ShiftCheck]:
        """The last checks, newest first."""
        sql = "SELECT camera, model, passed, actor, utc_s FROM shift_checks ORDER BY id DESC LIMIT ?"
        return [
            ShiftCheck(row["camera"], row["model"], bool(row["passed"]), row["actor"], float(row["utc_s"]))
            for row in self._file.rows(sql, (count,))
        ]

    def record(
        self,
        camera: str,
        source_kind: SourceKind,
        model: str,
        answers: tuple[int, int],
        allowed: Collection[ModalityMask],
        actor: str,
    ) -> bool:
        """Keep a check with its two verdicts (person, kit print); returns whether it passed.

        Both have to be reached under the same one of the ``allowed`` masks.

        Raises:
            InputError: a verdict is missing, too old, of another kind of source or model, or no test with that label.
        """
        with self._file.transaction():
            person, sheet = (self._verdict(number, source_kind, model) for number in answers)
            if person["species"] != "" or not str(sheet["species"] or "").startswith("print"):
                raise InputError("A check needs a bona fide person and the kit print.", "Repeat the check.")
            masks = ModalityMask.parse(person["mask"]), ModalityMask.parse(sheet["mask"])
            good = check_passed(Outcome(person["outcome"]), Outcome(sheet["outcome"]), masks)
            passed = good and masks[0] in allowed
            row = {
                "camera": camera,
                "source_kind": str(source_kind),
                "model": model,
                "bona_fide": answers[0],
                "kit_print": answers[1],
                "passed": int(passed),
                "actor": actor,
                "utc_s": self._clock.utc_s(),
            }
            number = self._file.insert("shift_checks", row)
            details = {"passed": passed, "bona_fide": person["outcome"], "kit_print": sheet["outcome"]}
            self._audit.append("check", "shift", str(number), actor=actor, details=details)
        return passed

    def _verdict(self, number: int, source_kind: SourceKind, model: str) -> Row:
        sql = """
            SELECT v.outcome, v.mask, p.species FROM verdicts AS v JOIN presentations AS p ON p.id = v.presentation
            WHERE v.id = ? AND v.source_kind = ? AND v.model = ? AND v.shadow = 1 AND v.committed_utc_s >= ?
        """
        row = self._file.row(sql, (number, str(source_kind), model, self._clock.utc_s() - FRESH_S))
        if row is None:
            raise InputError(
                sentence("Verdict {number} is no answer of this check.", number=number), "Repeat the check."
            )
        return row
