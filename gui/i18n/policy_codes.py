"""Words for the fields of the site policy."""

from __future__ import annotations

from core.policy import ShiftCheckFor
from gui.i18n.translator import tr


def field_words() -> dict[str, str]:
    """What each field of `core.policy.SitePolicy` is called, in its order."""
    return {
        "min_frame_sets": tr("Frame sets that a verdict needs"),
        "max_frame_sets": tr("Newest frame sets that count"),
        "deadline_ms": tr("Deadline of a presentation (ms)"),
        "stale_ms": tr("Evidence is too old after (ms)"),
        "abstain_margin": tr("Half width of the band that is referred (logits)"),
        "rgb_alone_refers": tr("Colour alone is referred"),
        "lock_out_attacks": tr("Attacks in a row that lock (0: never)"),
        "lock_out_window_ms": tr("They count together for (ms)"),
        "shift_check": tr("Start-of-shift check"),
        "shift_hours": tr("It holds for (hours)"),
        "thresholds": tr("Thresholds above the model's"),
    }


def value_words(value: object) -> str:
    """A value of a field as a person reads and writes it; thresholds as ``depth+ir=0.9 ir=0.8``."""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, ShiftCheckFor):
        return {
            ShiftCheckFor.OFF: tr("never"),
            ShiftCheckFor.LIVE: tr("at a live camera"),
            ShiftCheckFor.ALWAYS: tr("at every source"),
        }[value]
    if isinstance(value, dict):
        return " ".join(f"{mask}={bar:.15g}" for mask, bar in value.items())
    return f"{value:.15g}"
