"""Which camera this is: what it says of itself and how its maker calibrated it, with one fingerprint.

Commissioning pins an identity, qualification belongs to one, and every trace names one. What differs between two is
told field by field, so that a person can judge a new firmware otherwise than another lens (reliability.md section 5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from core.frames import MODALITIES, Modality, StreamProfile
from core.messages import DeviceInfo


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One field in which a camera differs from the one that was pinned; a text is empty where it said nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """A camera with its opened streams. A field is empty where the device does not state it.

    ``calibration`` is the digest of `calibration_sha256`: sizes, factory intrinsics and extrinsics, depth unit.
    ``streams`` says what was opened, as ``rgb 640x480@30, depth 640x480@30``.
    """

    name: str
    serial: str = ""
    asic_serial: str = ""
    firmware: str = ""
    product_id: str = ""
    port: str = ""
    calibration: str = ""
    streams: str = ""

    @classmethod
    def of(cls, device: DeviceInfo, profiles: Mapping[Modality, StreamProfile]) -> CameraIdentity:
        """The identity of a camera that is open; without profiles it has no calibration yet."""
        return cls(
            name=device.name,
            serial=device.serial,
            asic_serial=device.asic_serial,
            firmware=device.firmware,
            product_id=device.product_id,
            port=device.port,
            calibration=calibration_sha256(profiles) if profiles else "",
            streams=", ".join(_stream(profiles[m]) for m in MODALITIES if m in profiles),
        )

    @classmethod
    def from_json(cls, text: str) -> CameraIdentity:
        """Read what `to_json` wrote. Raises ``ValueError`` or ``TypeError`` on anything else."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON: two identities are one camera in one state exactly if these are equal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def changes(self, seen: CameraIdentity) -> tuple[IdentityChange, ...]:
        """The fields in which ``seen`` differs from this identity, in the order in which they are declared."""
        names = [field.name for field in fields(self)]
        pairs = [(name, str(getattr(self, name)), str(getattr(seen, name))) for name in names]
        return tuple(IdentityChange(name, before, after) for name, before, after in pairs if before != after)


def calibration_sha256(profiles: Mapping[Modality, StreamProfile]) -> str:
    """Digest of the geometry: sizes, intrinsics, extrinsics and depth unit of every stream (not its rate)."""
    form = {str(modality): asdict(profile) for modality, profile in profiles.items()}
    for stream in form.values():
        del stream["fps_hz"]
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _stream(profile: StreamProfile) -> str:
    return f"{profile.modality} {profile.width}x{profile.height}@{profile.fps_hz:g}"
