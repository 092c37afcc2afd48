"""Face detectors behind one Protocol: OpenCV's cascade is embedded, YuNet is used where its file is configured.

All of them take an 8-bit picture of any modality (`grey_picture` makes one of infrared) and give boxes in its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, sentence

Box = tuple[int, int, int, int]
"""``x, y, width, height`` in pixels."""

_CASCADE_FILE = "haarcascade_frontalface_alt2.xml"
_CASCADE_WIDTH_PX = 320
"""Pictures are searched at this width: a face of 40 px in a 640-px picture is then the cascade's own 20 px."""
_CASCADE_STEP = 1.15
_CASCADE_NEIGHBOURS = 3
_CASCADE_SURE = 24
"""Raw detections that agree on a face and make it certain: the median of 108 Kinect v2 infrared crops; 9 is their
10th percentile."""
_YUNET_WIDTH_PX = 320
_YUNET_SCORE = 0.6
_YUNET_TO_CASCADE = (1.22, -0.045)
"""The cascade's square box has 1.22 times the width of YuNet's box, its centre stands 4.5 % of the height further up
(median over 50 Kinect v2 infrared crops and 23 rendered faces): crops must not depend on the detector."""


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face. ``confidence`` is in [0, 1]; ``yaw_deg`` is given where the detector knows landmarks."""

    box: Box
    confidence: float
    yaw_deg: float | None = None


class FaceDetector(Protocol):
    """Finds faces in a picture."""

    def detect(self, picture: NDArray[np.uint8], width_px: tuple[float, float] | None = None) -> list[Face]:
        """Faces in ``picture`` (``(H, W)`` or ``(H, W, 3)`` R, G, B), best first.

        ``width_px`` bounds the face width when it is known roughly (tracking), which makes the search cheap.
        """
        ...


class CascadeDetector:
    """OpenCV's Haar cascade for frontal faces, as the wheel brings it."""

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / _CASCADE_FILE))

    def detect(self, picture: NDArray[np.uint8], width_px: tuple[float, float] | None = None) -> list[Face]:
        """See `FaceDetector.detect`. The confidence counts the raw detections that agree on a face."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
        scale = self._scale(grey.shape[1], width_px)
        if scale < 1.0:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        low, high = (20.0, float(min(grey.shape))) if width_px is None else (width_px[0] * scale, width_px[1] * scale)
        boxes, counts = self._cascade.detectMultiScale2(
            grey,
            scaleFactor=_CASCADE_STEP,
            minNeighbors=_CASCADE_NEIGHBOURS,
            minSize=(max(20, int(low)),) * 2,
            maxSize=(max(20, int(high)),) * 2,
        )
        faces = [
            Face(_scaled(box, 1.0 / scale), min(1.0, float(count) / _CASCADE_SURE))
            for box, count in zip(boxes, counts, strict=True)
        ]
        return sorted(faces, key=lambda face: -face.confidence)

    @staticmethod
    def _scale(picture_width: int, width_px: tuple[float, float] | None) -> float:
        """Reduction before the search: faces of known size come to about 50 px, the smallest to no less than 22."""
        if width_px is None:
            return min(1.0, _CASCADE_WIDTH_PX / picture_width)
        return min(1.0, max(22.0 / width_px[0], 50.0 / (0.5 * (width_px[0] + width_px[1]))))


class YunetDetector:
    """YuNet through ``cv2.FaceDetectorYN``, with landmarks."""

    def __init__(self, model: Path) -> None:
        try:
            self._network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), _YUNET_SCORE)
        except cv2.error as error:
            remedy = "Give the YuNet ONNX file, or leave the setting empty to use the embedded cascade."
            raise InputError(sentence("The face detector {name} cannot be loaded.", name=model.name), remedy) from error

    def detect(self, picture: NDArray[np.uint8], width_px: tuple[float, float] | None = None) -> list[Face]:
        """See `FaceDetector.detect`."""
        colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR)
        scale = min(1.0, _YUNET_WIDTH_PX / colour.shape[1])
        if scale < 1.0:
            colour = cv2.resize(colour, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._network.setInputSize((colour.shape[1], colour.shape[0]))
        found: Any = self._network.detect(colour)[1]
        if found is None:
            return []
        faces = [Face(_as_cascade(row[:4], 1.0 / scale), float(row[14]), _yaw_deg(row[4:14])) for row in found]
        if width_px is not None:
            faces = [face for face in faces if width_px[0] <= face.box[2] <= width_px[1]]
        return sorted(faces, key=lambda face: -face.confidence)


def default_detector(model: Path | None = None) -> FaceDetector:
    """YuNet where a model file is configured, else the embedded cascade."""
    return CascadeDetector() if model is None else YunetDetector(model)


def grey_picture(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """An 8-bit picture for detectors. Infrared of any range is stretched to its 99.5th percentile, with a gamma of 1/2.

    Active infrared falls with the square of the distance: the root brings face and background into one range.
    """
    if pixels.ndim == 3:
        return np.asarray(pixels, dtype=np.uint8)
    sample = pixels[::4, ::4]
    top = max(float(np.percentile(sample, 99.5)), 1.0)
    if pixels.dtype == np.uint8:
        table = (255.0 * np.sqrt(np.minimum(np.arange(256) / top, 1.0))).astype(np.uint8)
        return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8)
    level = np.minimum(pixels.astype(np.float32) / np.float32(top), np.float32(1.0))
    return np.asarray(255.0 * np.sqrt(level), dtype=np.uint8)


def _scaled(box: Any, factor: float) -> Box:
    x, y, width, height = (round(float(value) * factor) for value in box)
    return x, y, width, height


def _as_cascade(box: Any, factor: float) -> Box:
    x, y, width, height = (float(value) for value in box)
    side = _YUNET_TO_CASCADE[0] * width
    middle = y + height * (0.5 + _YUNET_TO_CASCADE[1])
    return _scaled((x + (width - side) / 2, middle - side / 2, side, side), factor)


def _yaw_deg(landmarks: Any) -> float:
    """Rough yaw from where the nose stands between the eyes (right eye, left eye, nose come first)."""
    right, left, nose = (landmarks[2 * i : 2 * i + 2] for i in range(3))
    half = 0.5 * float(np.hypot(*(left - right)))
    offset = float(nose[0] - 0.5 * (left[0] + right[0]))
    return float(np.degrees(np.arctan2(offset, max(half, 1.0))))
