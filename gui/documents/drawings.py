"""DET curve and score histogram as SVG, drawn for paper: dark on white, told apart by dashes as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.metrics.deviate import TICKS, along, percent
from gui.i18n import tr

Tick = tuple[float, str]
"""Where along its axis, 0 to 1, and what stands there."""
_HEADROOM = 1.3
"""The legend stands above the highest bin."""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 420, 300, 58, 46, 34, 16
_FIRST, _SECOND, _INK, _GRID = "#1d4ed8", "#111827", "#374151", "#e5e7eb"


def det_drawing(det: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Champion and candidate: BPCER over APCER in percent, both by their normal deviate."""
    ticks = [(along(rate), percent(rate)) for rate in TICKS]
    parts = [_axes(tr("DET"), "APCER, %", "BPCER, %", ticks, ticks)]
    for number, (name, words, colour, dash) in enumerate(
        (("before", tr("Champion"), _SECOND, "6 4"), ("after", tr("Candidate"), _FIRST, ""))
    ):
        points = " ".join(f"{_x(along(a)):.1f},{_y(along(b)):.1f}" for a, b in det.get(name, ()))
        parts += [_line(points, colour, dash), _legend(words, colour, dash, number)]
    return _drawing(tr("DET"), parts)


def histogram_drawing(histograms: Mapping[str, Sequence[int]]) -> str:
    """The candidate's scores of both classes: steps, the share of each class in equal bins of 0 to 1."""
    shares = {name: [n / max(1, sum(counts)) for n in counts] for name, counts in histograms.items()}
    highest = max((value for values in shares.values() for value in values), default=0.0) or 1.0
    top = _HEADROOM * highest
    title = tr("Scores of the candidate")
    across, up = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], [(0.0, "0"), (highest / top, f"{highest:.0%}")]
    parts = [_axes(title, tr("score"), tr("share of the class"), across, up)]
    for number, (name, words, colour, dash) in enumerate(
        (("bona_fide", tr("bona fide"), _FIRST, ""), ("attack", tr("attack"), _SECOND, "6 4"))
    ):
        values = shares.get(name, [])
        steps = [(i / len(values), v) for i, v in enumerate(values)]
        corners = [corner for left, v in steps for corner in ((left, v), (left + 1.0 / len(values), v))]
        points = " ".join(f"{_x(a):.1f},{_y(b / top):.1f}" for a, b in corners)
        parts += [_line(points, colour, dash), _legend(words, colour, dash, number)]
    return _drawing(title, parts)


def _drawing(title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12" fill="{_INK}">'
        f"<title>{title}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _axes(title: str, below: str, beside: str, across: Sequence[Tick], up: Sequence[Tick]) -> str:
    grid = "".join(f'<path d="M{_x(at):.1f} {_y(0):.1f}V{_y(1):.1f}" stroke="{_GRID}"/>' for at, _ in across)
    grid += "".join(f'<path d="M{_x(0):.1f} {_y(at):.1f}H{_x(1):.1f}" stroke="{_GRID}"/>' for at, _ in up)
    ticks = "".join(
        f'<text x="{_x(at):.1f}" y="{_y(0) + 16:.1f}" text-anchor="middle">{words}</text>' for at, words in across
    )
    ticks += "".join(
        f'<text x="{_x(0) - 8:.1f}" y="{_y(at) + 4:.1f}" text-anchor="end">{words}</text>' for at, words in up
    )
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return (
        f'{grid}{ticks}<text x="{_WIDTH / 2}" y="18" text-anchor="middle" font-size="14">{title}</text>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{below}</text>'
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{beside}</text>'
    )


def _line(points: str, colour: str, dash: str) -> str:
    if not points:
        return ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def _legend(words: str, colour: str, dash: str, number: int) -> str:
    y = _TOP + 14 + 18 * number
    return (
        f'<path d="M{_WIDTH - 150} {y}h28" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        f'<text x="{_WIDTH - 116}" y="{y + 4}">{words}</text>'
    )


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _HEIGHT - _BOTTOM - value * (_HEIGHT - _BOTTOM - _TOP)
