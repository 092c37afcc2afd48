"""Verdicts with their traces. A verdict and its audit row are one transaction: only then is a banner final."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.access import Permission
from core.clock import Clock
from core.codes import Outcome, Reason, Rule, SourceKind
from core.errors import InputError, sentence
from core.frames import ModalityMask
from core.probing import Attempt
from core.verdict import Verdict
from storage.acting import Acting
from storage.database import DatabaseFile, Row
from storage.forms import canonical, read_trace, trace_to_json
from storage.repositories.audit import AuditLog
from storage.repositories.lock_outs import LockOuts
from storage.repositories.paging import Cursor, count, read_page
from storage.repositories.presentations import Presentations
from storage.repositories.trusted_time import TrustedTime
from storage.verdict_digests import digests


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A committed verdict, and what a person did about it. ``operator_outcome`` is empty without an override."""

    id: int
    committed_utc_s: float
    verdict: Verdict
    operator_outcome: str = ""
    operator_reason: str = ""
    operator: str = ""
    operator_utc_s: float | None = None


@dataclass(frozen=True, slots=True)
class VerdictFilter:
    """Which verdicts a list shows; ``None`` = all."""

    session: str | None = None
    presentation: str | None = None
    outcome: Outcome | None = None
    source_kind: SourceKind | None = None
    model: str | None = None
    shadow: bool | None = None
    """Live statistics are those of ``source_kind`` live with ``shadow=False``."""


SORTS = ("id", "score")
"""Columns by which a list of verdicts can be sorted; the id is the order of commits."""


class Verdicts:
    """All verdicts of this station."""

    def __init__(
        self,
        file: DatabaseFile,
        clock: Clock,
        audit: AuditLog,
        acting: Acting,
        presentations: Presentations,
        lock_outs: LockOuts,
    ) -> None:
        self._lock_outs = lock_outs
        self._time = TrustedTime(file, clock)
        self._file = file
        self._clock = clock
        self._audit = audit
        self._acting = acting
        self._presentations = presentations

    def commit(self, verdict: Verdict) -> int:
        """Store verdict and audit row in one transaction; returns the verdict's row id.

        A presentation that started by itself has no row yet: it gets one here, closed, with the frame sets of the
        trace. Outside of a session there are no presentations, but the verdict is stored all the same.
        """
        return self._file.insist(lambda: self._commit(verdict))

    def _commit(self, verdict: Verdict) -> int:
        with self._file.transaction():
            passed_s = self._time.passed_s()
            if not self._known(verdict.presentation):
                verdict = replace(verdict, presentation=self._automatic(verdict) if verdict.session else "")
            row = {
                "committed_utc_s": float(self._clock.utc_s()),
                "passed_s": passed_s,
                "session": verdict.session or None,
                "presentation": verdict.presentation or None,
                "source_kind": str(verdict.source_kind),
                "shadow": int(verdict.shadow),
                "t_s": verdict.t_s,
                "outcome": str(verdict.outcome),
                "reason": str(verdict.reason),
                "mask": str(verdict.mask),
                "score": verdict.score,
                "threshold": verdict.threshold,
                "rule": str(verdict.rule),
                "model": verdict.model,
                "duration_ms": verdict.duration_ms,
                "trace": canonical(trace_to_json(verdict.trace)),
                "attended_by": self._acting.actor.id,
            }
            number = self._file.insert("verdicts", row)
            audited = (
                "outcome",
                "reason",
                "mask",
                "score",
                "threshold",
                "rule",
                "model",
                "presentation",
                "attended_by",
            )
            details = {name: row[name] for name in ("source_kind", "shadow", *audited)}
            details |= digests({"id": number, **row})
            self._audit.append("commit", "verdict", str(number), actor="station", details=details)
            if verdict.outcome is Outcome.ATTACK and not verdict.shadow:
                self._lock_outs.count(verdict.source_kind, passed_s)
        return number

    def override(self, verdict: int, outcome: Outcome, reason: str) -> None:
        """A person decides otherwise; the verdict itself stays as it was. To refer is every operator's right.

        Raises:
            DeniedError: whoever acts may not.
            InputError: no such verdict, or no reason.
        """
        self._acting.require(Permission.OPERATE if outcome is Outcome.REFER else Permission.OVERRIDE)
        if not reason.strip():
            raise InputError("A verdict is overridden only with a reason.", "Say in a few words why.")
        sql = """
            UPDATE verdicts SET operator_outcome = ?, operator_reason = ?, operator = ?, operator_utc_s = ?
            WHERE id = ?
        """
        actor = self._acting.actor.id
        with self._file.transaction():
            if not self._file.change(sql, (str(outcome), reason, actor, self._clock.utc_s(), verdict)):
                raise InputError(
                    sentence("There is no verdict {verdict}.", verdict=verdict), "Choose one from the list."
                )
            details = {"outcome": str(outcome)}
            self._audit.append("override", "verdict", str(verdict), actor=actor, reason=reason, details=details)

    def get(self, verdict: int) -> StoredVerdict:
        """The verdict; raises `InputError` when there is none of that id."""
        row = self._file.row("SELECT * FROM verdicts WHERE id = ?", (verdict,))
        if row is None:
            raise InputError(sentence("There is no verdict {verdict}.", verdict=verdict), "Choose one from the list.")
        return _stored(row)

    def page(
        self,
        filters: VerdictFilter | None = None,
        *,
        sort: str = "id",
        descending: bool = True,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> tuple[list[StoredVerdict], Cursor | None]:
        """A slice of the list, and the cursor of the next one (``None`` at the end); for those who may review."""
        self._acting.require(Permission.REVIEW)
        if sort not in SORTS:
            raise ValueError(f"verdicts are sorted by one of {SORTS}")
        page = read_page(self._file, "verdicts", _given(filters), sort, descending, after, limit)
        return [_stored(row) for row in page.rows], page.next

    def count(self, filters: VerdictFilter | None = None) -> int:
        """How many verdicts match."""
        return count(self._file, "verdicts", _given(filters))

    def attempts(self, source_kind: SourceKind, now_s: float, limit: int = 100) -> list[Attempt]:
        """The newest verdicts of such sources, oldest first; shadow verdicts count nowhere.

        ``now_s``: `passed_s` of now, by which one from before it was stored is placed.
        """
        now_utc_s = self._clock.utc_s()
        sql = """
            SELECT committed_utc_s, passed_s, outcome, reason, score, threshold FROM verdicts
            WHERE source_kind = ? AND shadow = 0 ORDER BY id DESC LIMIT ?
        """
        rows = self._file.rows(sql, (str(source_kind), limit))
        return [
            Attempt(
                now_s - max(0.0, now_utc_s - row["committed_utc_s"]) if row["passed_s"] is None else row["passed_s"],
                Outcome(row["outcome"]),
                Reason(row["reason"]),
                row["score"],
                row["threshold"],
            )
            for row in reversed(rows)
        ]

    def passed_s(self) -> float:
        """Seconds by the clock that nobody sets (`storage.repositories.trusted_time`)."""
        return self._time.passed_s()

    def of_session(self, session: str) -> list[StoredVerdict]:
        """All verdicts of a session, in the order of their commits."""
        return [
            _stored(row) for row in self._file.rows("SELECT * FROM verdicts WHERE session = ? ORDER BY id", (session,))
        ]

    def _known(self, presentation: str) -> bool:
        return bool(presentation) and self._presentations.exists(presentation)

    def _automatic(self, verdict: Verdict) -> str:
        start_s = verdict.t_s - verdict.duration_ms / 1000.0
        identity = self._presentations.open(verdict.session, start_s=start_s, identity=verdict.presentation)
        sets = verdict.trace.frame_sets
        self._presentations.close(identity, min(sets, default=1), max(sets, default=0), verdict.t_s)
        return identity


def _given(filters: VerdictFilter | None) -> dict[str, Any]:
    if filters is None:
        return {}
    names = ("session", "presentation", "outcome", "source_kind", "model")
    given: dict[str, Any] = {name: str(value) for name in names if (value := getattr(filters, name)) is not None}
    return given if filters.shadow is None else {**given, "shadow": int(filters.shadow)}


def _stored(row: Row) -> StoredVerdict:
    verdict = Verdict(
        presentation=row["presentation"] or "",
        session=row["session"] or "",
        source_kind=SourceKind(row["source_kind"]),
        shadow=bool(row["shadow"]),
        t_s=row["t_s"],
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        mask=ModalityMask.parse(row["mask"]),
        score=row["score"],
        threshold=row["threshold"],
        rule=Rule(row["rule"]),
        model=row["model"],
        trace=read_trace(row["trace"]),
        duration_ms=row["duration_ms"],
    )
    return StoredVerdict(
        id=row["id"],
        committed_utc_s=row["committed_utc_s"],
        verdict=verdict,
        operator_outcome=row["operator_outcome"],
        operator_reason=row["operator_reason"],
        operator=row["operator"],
        operator_utc_s=row["operator_utc_s"],
    )
