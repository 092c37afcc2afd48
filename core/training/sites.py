"""The sites that train the factory model: every sensor over wider ranges than any single site has.

What a range does not hold the model has not seen. The four sites of `core.scenes.domain` are what a station simulates;
these are made so that each of them, and the frozen benchmark's, lies well inside (evaluation.md section 8: the sensor
randomised alike for both classes).
"""

from __future__ import annotations

from core.scenes.domain import DOMAINS, Domain

_WIDE = Domain(
    name="wide", distance_mm=(380.0, 1100.0), blind_share=0.03, yaw_deg=(-32.0, 32.0), pitch_deg=(-32.0, 32.0),
    roll_deg=(-14.0, 14.0), wall_mm=(750.0, 3500.0), lamp_strength=(0.25, 1.2), lamp_azimuth_deg=(-80.0, 80.0),
    lamp_elevation_deg=(-5.0, 70.0), lamp_kelvin=(2600.0, 8500.0), ambient=(0.05, 0.5), exposure=(0.6, 1.6),
    ambient_ir=(0.0, 0.15), ir_gain=(0.4, 1.3), dots=(0.0, 0.4), face_px=(40.0, 280.0), grain=(0.004, 0.045),
    blur_px=(0.0, 1.6), jpeg_quality=(40.0, 100.0), registered_share=0.45, registration_px=(0.0, 5.0),
    framing=(0.75, 1.5), hole_share=(0.0, 0.08),
)  # fmt: skip


def _site(name: str, **differences: object) -> Domain:
    return _WIDE.model_copy(update={"name": name, **differences})


TRAINING_SITES: dict[str, Domain] = {
    "wide-d435": _site("wide-d435", sensor="d435"),
    "wide-d415": _site("wide-d415", sensor="d415"),
    "wide-d455": _site("wide-d455", sensor="d455"),
    "wide-sr300": _site("wide-sr300", sensor="sr300", distance_mm=(330.0, 850.0), dots=(0.0, 0.15)),
    "wide-kinect2": _site(
        "wide-kinect2", sensor="kinect2", distance_mm=(600.0, 1300.0), face_px=(32.0, 150.0), dots=(0.0, 0.0)
    ),
    "wide-relative": _site("wide-relative", sensor="relative", registered_share=1.0, face_px=(36.0, 220.0)),
}
SITES: dict[str, Domain] = {**DOMAINS, **TRAINING_SITES}
"""Every site that training knows by name."""
