"""Words for the figures of the evidence, by the names that the core gives them; an unknown name stays readable."""

from __future__ import annotations

from gui.i18n.translator import tr

_UNITS = {"_mm": "mm", "_m2": "m²", "_share": "%", "_per_width": "%"}
_PERCENT = ("_share", "_per_width")


def figure_name(name: str) -> str:
    """What a figure is called."""
    known = {
        "quadric_residual_mm": tr("Off a bent sheet"),
        "plane_residual_mm": tr("Off a flat sheet"),
        "relief_mm": tr("Relief"),
        "quadric_residual_per_width": tr("Off a bent sheet, of width"),
        "plane_residual_per_width": tr("Off a flat sheet, of width"),
        "relief_per_width": tr("Relief, of width"),
        "quadric_residual_over_noise": tr("Bent sheet over noise"),
        "depth_hole_share": tr("Holes in depth"),
        "depth_noise_mm": tr("Noise of depth"),
        "distance_mm": tr("Distance"),
        "ir_level": tr("Infrared level"),
        "ir_level_m2": tr("Infrared level × distance²"),
        "ir_contrast": tr("Infrared contrast, log2"),
        "rgb_luma": tr("Brightness"),
        "rgb_saturation": tr("Saturation of colour"),
        "uncertainty": tr("Uncertainty"),
        "novelty": tr("Novelty, 1 is too far"),
    }
    return known.get(name) or name.replace("_", " ").capitalize()


def figure_unit(name: str) -> str:
    """The unit in which `figure_value` shows it."""
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def shown(name: str, value: float) -> float:
    """The number that is shown: shares as percent."""
    return 100.0 * value if name.endswith(_PERCENT) else value


def digits(name: str) -> int:
    """Decimals that mean something."""
    if name in ("distance_mm", "relief_mm"):
        return 0
    return 1 if figure_unit(name) in ("mm", "%") or name.endswith("_over_noise") else 2


def figure_value(name: str, value: float) -> str:
    """``3.4 mm``."""
    return f"{shown(name, value):.{digits(name)}f} {figure_unit(name)}".rstrip()


def signed(value: float) -> str:
    """``+1.20``, with a real minus sign."""
    return f"{value:+.2f}".replace("-", "\u2212")
