"""The answer of ``main.py replay --json`` as a notice."""

from __future__ import annotations

from gui.command import read_json
from gui.i18n import tr, tr_count
from gui.widgets.toast import Level


def replay_summary(output: str) -> tuple[str, str, Level]:
    """What happened, what it means, and how serious it is."""
    verdicts = read_json(output)["verdicts"]
    different = [v for v in verdicts if not v["equal"]]
    checked = tr_count(len(verdicts), "{n} verdict recomputed.", "{n} verdicts recomputed.")
    if not verdicts:
        return tr("There is no verdict to recompute."), "", Level.INFO
    if different:
        return (
            tr_count(len(different), "{n} verdict does not replay.", "{n} verdicts do not replay."),
            tr("The model, the frames or the device differ from those of the verdict."),
            Level.WARNING,
        )
    return checked, tr("All logits are the same as when they were decided."), Level.INFO
