"""The power of the gate and the caps as sentences for a technician."""

from __future__ import annotations

from core.adaptation.caps import Cap
from core.adaptation.power_report import PowerReport
from gui.i18n import tr, tr_count
from gui.views.recalibrate.outlook import Outlook, TooMany

MOST_LINES = 3


def power_line(power: PowerReport) -> str:
    """How often the gate would pass a better candidate, and whether that is often enough."""
    line = tr(
        "Judged on {people} people, the gate would pass a candidate that makes {cut} fewer errors in about {value} of "
        "cases ({low} to {high}).",
        people=power.tried[0].design.people,
        cut=f"{power.cut:.0%}",
        value=f"{power.now.value:.0%}",
        low=f"{power.now.low:.0%}",
        high=f"{power.now.high:.0%}",
    )
    return f"{line} {tr('That is enough.')}" if power.enough else line


def more_line(power: PowerReport) -> str:
    """What would make it often enough; empty where nothing is missing."""
    if power.enough:
        return ""
    more, wanted = power.more, f"{power.wanted:.0%}"
    if more is None:
        return tr("more than can be captured: not even thousands of people would make it {wanted}", wanted=wanted)
    if not more.attacks:
        return tr(
            "{bona_fide} more bona fide presentations of {people} more people would make it {wanted}",
            bona_fide=more.bona_fide, people=more.people, wanted=wanted,
        )  # fmt: skip
    return tr(
        "{bona_fide} more bona fide presentations of {people} more people and {attacks} more attacks would make it "
        "{wanted}",
        bona_fide=more.bona_fide, people=more.people, attacks=more.attacks, wanted=wanted,
    )  # fmt: skip


def assumptions(power: PowerReport) -> str:
    """What the answer rests on."""
    return tr(
        "From {draws} drawn sites, where the champion refuses {bpcer} of bona fide and accepts {apcer} of attacks.",
        draws=power.now.trials, bpcer=f"{power.bpcer:.0%}", apcer=f"{power.apcer:.0%}",
    )  # fmt: skip


def left_out_lines(outlook: Outlook) -> list[str]:
    """What is left out: contested labels, then what is over the caps, the most first."""
    lines, too_many = [], outlook.too_many
    if outlook.contested:
        lines.append(
            tr_count(
                outlook.contested,
                "{n} presentation is contested by a second label and will not be learned.",
                "{n} presentations are contested by second labels and will not be learned.",
            )
        )
    lines += [_left_out_line(one) for one in too_many[:MOST_LINES]]
    if rest := sum(one.count for one in too_many[MOST_LINES:]):
        lines.append(tr("{n} more are over a cap.", n=rest))
    return lines


def _left_out_line(one: TooMany) -> str:
    if one.cap is Cap.SUBJECT:
        text = tr("{n} of {of} presentations of {subject} are over the cap of a person and will not be learned.")
    else:
        text = tr("{n} of {of} presentations of {subject} are over the cap of ten minutes and will not be learned.")
    return text.format(n=one.count, of=one.of, subject=one.subject or tr("unknown people"))
