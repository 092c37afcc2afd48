"""What the second line found after ATTACK or REFER: the only honest source of a site's labels."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import Permission
from core.clock import Clock
from core.codes import Outcome, Reason, SecondLineResult, SourceKind, Species
from core.errors import InputError, sentence
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.repositories.audit import AuditLog
from storage.repositories.presentations import LabelSource

QUEUE_S = 12 * 3600.0
"""How long a verdict waits in the queue: a shift."""
_NEWEST = 5000
_SPECIES = {
    SecondLineResult.CONFIRMED: str(Species.UNKNOWN),
    SecondLineResult.FALSE_ALARM: str(Species.BONA_FIDE),
    SecondLineResult.UNKNOWN: None,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A verdict whose second-line result is still open. ``outcome`` is the operator's where there was an override."""

    verdict: int
    committed_utc_s: float
    outcome: Outcome
    reason: Reason
    source_kind: SourceKind


@dataclass(frozen=True, slots=True)
class OperatorFigures:
    """What one operator attended, and how often they decided otherwise than the program."""

    operator: str
    verdicts: int
    overrides: int
    second_line: int


class SecondLine:
    """Results by verdict. A result also labels its presentation, unless somebody labeled that with more knowledge."""

    def __init__(self, file: DatabaseFile, clock: Clock, audit: AuditLog, acting: Acting) -> None:
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting

    def waiting(self, limit: int = 20) -> list[Waiting]:
        """Verdicts of this shift that ended as ATTACK or REFER and have no result, oldest first."""
        self._acting.require(Permission.OPERATE)
        sql = f"""
            SELECT v.id, v.committed_utc_s, v.reason, v.source_kind,
                CASE v.operator_outcome WHEN '' THEN v.outcome ELSE v.operator_outcome END AS final
            FROM verdicts AS v LEFT JOIN second_line AS s ON s.verdict = v.id
            WHERE v.id > (SELECT coalesce(max(id), 0) - {_NEWEST} FROM verdicts) AND v.committed_utc_s > ?
                AND s.verdict IS NULL AND v.shadow = 0 AND final IN ('attack', 'refer')
            ORDER BY v.id LIMIT ?
        """
        rows = self._file.rows(sql, (self._clock.utc_s() - QUEUE_S, limit))
        return [_waiting(row) for row in rows]

    def record(self, verdict: int, result: SecondLineResult) -> None:
        """Store a result (or another one: the log keeps the first) and label the presentation by it.

        Raises:
            DeniedError: whoever acts does not operate the checkpoint.
            InputError: there is no such verdict.
        """
        self._acting.require(Permission.OPERATE)
        actor, sql = self._acting.actor.id, "INSERT OR REPLACE INTO second_line VALUES (?, ?, ?, ?)"
        with self._file.transaction():
            row = self._file.row("SELECT presentation FROM verdicts WHERE id = ?", (verdict,))
            if row is None:
                raise InputError(
                    sentence("There is no verdict {verdict}.", verdict=verdict), "Choose one from the list."
                )
            self._file.execute(sql, (verdict, str(result), actor, self._clock.utc_s()))
            self._label(row["presentation"], result)
            details = {"result": str(result)}
            self._audit.append("second_line", "verdict", str(verdict), actor=actor, details=details)

    def of(self, verdict: int) -> SecondLineResult | None:
        """The result of a verdict; ``None`` while nobody gave one."""
        found = self._file.value("SELECT result FROM second_line WHERE verdict = ?", (verdict,))
        return None if found is None else SecondLineResult(found)

    def operators(self) -> list[OperatorFigures]:
        """Overrides and second-line results per operator (for administrators), by name."""
        self._acting.require(Permission.ACCOUNTS)
        sql = """
            SELECT who AS operator, sum(attended) AS verdicts, sum(overrode) AS overrides, sum(answered) AS second_line
            FROM (
                SELECT attended_by AS who, 1 AS attended, 0 AS overrode, 0 AS answered
                FROM verdicts WHERE attended_by <> ''
                UNION ALL
                SELECT operator, 0, 1, 0 FROM verdicts WHERE operator <> '' AND operator_outcome <> outcome
                UNION ALL
                SELECT actor, 0, 0, 1 FROM second_line
            )
            GROUP BY who ORDER BY who
        """
        return [OperatorFigures(**row) for row in self._file.rows(sql)]

    def _label(self, presentation: str | None, result: SecondLineResult) -> None:
        species = _SPECIES[result]
        source = LabelSource.NONE if species is None else LabelSource.SECOND_LINE
        by = "" if species is None else self._acting.actor.id
        sql = """
            UPDATE presentations SET species = ?, label_source = ?, labelled_by = ?
            WHERE id = ? AND label_source IN ('', 'second_line')
        """
        self._file.change(sql, (species, str(source), by, presentation))


def _waiting(row: Row) -> Waiting:
    return Waiting(
        verdict=row["id"],
        committed_utc_s=row["committed_utc_s"],
        outcome=Outcome(row["final"]),
        reason=Reason(row["reason"]),
        source_kind=SourceKind(row["source_kind"]),
    )
