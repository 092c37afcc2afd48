"""The pictures that whoever labels blind is shown, and nothing beside them: a few moments of one presentation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.access import Permission
from core.errors import HostError, InputError, sentence
from core.frames import FrameSet, Modality
from core.pictures import depth_colors, infrared_grey
from core.sampling import spread
from storage.catalogue import Catalogue
from storage.export import note_export, require_shared

MOMENTS = 8


def blind_frame_sets(catalogue: Catalogue, number: int) -> list[FrameSet]:
    """At most `MOMENTS` frame sets, evenly spread over the presentation of that number in the draw.

    Raises:
        DeniedError: whoever acts may not label, or not look at stored frames.
        InputError: nobody asked whoever acts for this label, or its frames are gone or damaged.
    """
    presentation = catalogue.presentations.get(catalogue.second_labels.presentation_of(number))
    with catalogue.material.session(presentation.session) as store:
        numbers = store.numbers(presentation.first_set, presentation.last_set)
        return [store.frame_set(numbers[place]) for place in spread(len(numbers), MOMENTS)]


def write_blind_pictures(catalogue: Catalogue, number: int, folder: Path) -> list[Path]:
    """The same as PNG files, for whoever labels without the window. They leave the station, and that is noted.

    Raises:
        DeniedError: whoever acts may not label, or not export.
        InputError: as `blind_frame_sets`, or the person did not agree that pictures leave the station.
        HostError: they cannot be written.
    """
    catalogue.require(Permission.EXPORT)
    presentation = catalogue.presentations.get(catalogue.second_labels.presentation_of(number))
    session = presentation.session
    try:
        shown = [presentation.subject] if presentation.subject else []
        require_shared(catalogue, catalogue.sessions.get(session), shown)
    except InputError as error:  # whose words name the person
        raise InputError(
            sentence("The pictures of number {number} may not leave this station.", number=number),
            "Label it in the window, on the page Review.",
        ) from error
    found = blind_frame_sets(catalogue, number)
    note_export(catalogue, session, folder)
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for moment, frame_set in enumerate(found, start=1):
            for modality in frame_set.mask:
                path = folder / f"{number}-{moment}-{modality}.png"
                path.write_bytes(cv2.imencode(".png", _picture(frame_set, modality))[1].tobytes())
                written.append(path)
    except OSError as error:
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=folder, strerror=error.strerror),
            "Choose a folder with room.",
        ) from error
    return written


def _picture(frame_set: FrameSet, modality: Modality) -> NDArray[np.uint8]:
    """As OpenCV writes it: BGR, BGRA or grey."""
    pixels = frame_set[modality].pixels
    if modality is Modality.RGB:
        return np.ascontiguousarray(pixels[:, :, ::-1])
    if modality is Modality.DEPTH:
        return depth_colors(pixels, frame_set.profiles.get(modality))
    return infrared_grey(pixels)
