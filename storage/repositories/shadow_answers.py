"""Answers of models that ran beside the champion. They open nothing and count in no statistics of the station."""

from __future__ import annotations

from dataclasses import dataclass

from core.codes import Outcome
from storage.database import DatabaseFile


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict that the model in shadow would have answered otherwise."""

    verdict: int
    session: str
    presentation: str
    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """What a model in shadow answered so far.

    ``outcomes``: how many, by what the champion said, then by what the model would have said. ``differing``: the newest
    first.
    """

    model: str
    outcomes: dict[str, dict[str, int]]
    differing: tuple[Difference, ...]

    @property
    def answers(self) -> int:
        """All of them."""
        return sum(count for found in self.outcomes.values() for count in found.values())

    @property
    def otherwise(self) -> int:
        """Those that differ from the champion's."""
        return sum(count for said, found in self.outcomes.items() for other, count in found.items() if said != other)


class ShadowAnswers:
    """All answers of all shadow runs."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def add(self, verdict: int, model: str, outcome: Outcome) -> None:
        """Keep one; the champion's verdict stands already."""
        self._file.insert("shadow_answers", {"verdict": verdict, "model": model, "outcome": str(outcome)})

    def figures(self, model: str, newest: int = 50) -> ShadowFigures:
        """Beside the champion's own outcomes; what an operator decided otherwise plays no part."""
        counted = """
            SELECT v.outcome AS said, a.outcome AS other, count(*) AS n FROM shadow_answers AS a
            JOIN verdicts AS v ON v.id = a.verdict WHERE a.model = ? GROUP BY said, other ORDER BY said, other
        """
        outcomes: dict[str, dict[str, int]] = {}
        for row in self._file.rows(counted, (model,)):
            outcomes.setdefault(row["said"], {})[row["other"]] = row["n"]
        differing = """
            SELECT v.id, v.session, v.presentation, v.outcome AS said, a.outcome AS other FROM shadow_answers AS a
            JOIN verdicts AS v ON v.id = a.verdict WHERE a.model = ? AND a.outcome <> v.outcome
            ORDER BY v.id DESC LIMIT ?
        """
        found = [
            Difference(row["id"], row["session"] or "", row["presentation"] or "", Outcome(row["said"]),
                       Outcome(row["other"]))
            for row in self._file.rows(differing, (model, newest))
        ]  # fmt: skip
        return ShadowFigures(model, outcomes, tuple(found))
