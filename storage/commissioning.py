"""Accepting a camera: the one way in for the window and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from core.access import Permission
from core.camera_identity import CameraIdentity
from core.errors import InputError, UsageError
from storage.catalogue import Catalogue
from storage.repositories.cameras import Commissioning


def accept_camera(catalogue: Catalogue, shown: CameraIdentity, reason: str) -> Commissioning:
    """Take ``shown`` as the camera that may decide here, as it was when the technician looked at it.

    Raises:
        DeniedError: whoever acts may not commission.
        InputError: no reason, or the camera has changed again since it was shown.
    """
    catalogue.require(Permission.COMMISSION)
    with catalogue.transaction():
        known = {camera.serial: camera.seen for camera in catalogue.cameras.all()}
        if known.get(shown.serial, shown) != shown:
            raise InputError("The camera has changed again since it was shown.", "Look at the differences once more.")
        return catalogue.cameras.accept(shown, reason, catalogue.actor.id)


def choose(cameras: Sequence[Commissioning]) -> Commissioning:
    """The one camera that is meant. Raises `InputError` when there is none, `UsageError` when there are several."""
    if not cameras:
        raise InputError("No live camera was seen here.", "Connect it, then run `main.py commission` again.")
    if len(cameras) > 1:
        raise UsageError("Several cameras were seen here.", "Name one with --serial.")
    return cameras[0]
