"""What the modalities of stored verdicts said, read out of their traces by the database: many verdicts, few figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.codes import SessionPurpose, SourceKind
from core.frames import Modality
from storage.database import DatabaseFile


@dataclass(frozen=True, slots=True)
class ScoredVerdict:
    """A verdict of checkpoint traffic; ``scores``: the mean score of each modality's own head over its frame sets."""

    id: int
    utc_s: float
    scores: dict[Modality, float]


class VerdictScores:
    """Of the checkpoint's verdicts; those of collections, tests and imports were composed by somebody."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def kind(self, model: str) -> SourceKind | None:
        """What a model's checkpoint traffic came from: live where there is any, else as its newest verdict."""
        sql = """
            SELECT v.source_kind FROM verdicts AS v JOIN sessions AS s ON s.id = v.session
            WHERE v.model = ? AND s.purpose = ? ORDER BY v.source_kind = 'live' DESC, v.id DESC LIMIT 1
        """
        found = self._file.value(sql, (model, str(SessionPurpose.CHECKPOINT)))
        return None if found is None else SourceKind(found)

    def first(self, model: str, kind: SourceKind, limit: int) -> list[ScoredVerdict]:
        """The first verdicts of a model that rest on evidence, in the order of their commits."""
        return self._span(model, kind, limit, "ASC")

    def newest(self, model: str, kind: SourceKind, limit: int) -> list[ScoredVerdict]:
        """The newest ones, in the order of their commits."""
        return self._span(model, kind, limit, "DESC")

    def _span(self, model: str, kind: SourceKind, limit: int, order: str) -> list[ScoredVerdict]:
        sql = f"""
            SELECT v.id, v.committed_utc_s, score.key AS modality, avg(score.value) AS score
            FROM (
                SELECT v.id, v.committed_utc_s, v.trace FROM verdicts AS v JOIN sessions AS s ON s.id = v.session
                WHERE v.model = ? AND v.source_kind = ? AND s.purpose = ? AND json_valid(v.trace)
                    AND json_array_length(v.trace, '$.evidence') > 0
                    AND v.id NOT IN (SELECT bona_fide FROM shift_checks UNION SELECT kit_print FROM shift_checks)
                ORDER BY v.id {order} LIMIT ?
            ) AS v, json_each(v.trace, '$.evidence') AS one, json_each(one.value, '$.modality_scores') AS score
            WHERE score.type IN ('real', 'integer') GROUP BY v.id, score.key ORDER BY v.id
        """
        rows = self._file.rows(sql, (model, str(kind), str(SessionPurpose.CHECKPOINT), limit))
        found: dict[int, ScoredVerdict] = {}
        known = {str(modality) for modality in Modality}
        for row in rows:
            if row["modality"] in known:
                one = found.setdefault(row["id"], ScoredVerdict(row["id"], row["committed_utc_s"], {}))
                one.scores[Modality(row["modality"])] = float(row["score"])
        return list(found.values())


def by_modality(verdicts: Sequence[ScoredVerdict]) -> dict[Modality, list[float]]:
    """The scores of each modality, in order, of the verdicts that have it."""
    found: dict[Modality, list[float]] = {}
    for verdict in verdicts:
        for modality, score in verdict.scores.items():
            found.setdefault(modality, []).append(score)
    return found
