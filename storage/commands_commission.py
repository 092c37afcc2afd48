"""`main.py commission`: which live cameras may decide here."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable

from core.camera_identity import CameraIdentity
from core.errors import ExitCode, HostError
from core.terminal import plain, say
from storage.commissioning import accept_camera, choose
from storage.opening import opened


def commission(options: Namespace, identify: Callable[[str], CameraIdentity], not_live: type[HostError]) -> int:
    """Show the cameras that were seen, and accept one if asked to.

    ``identify`` looks at the one that is connected; it raises ``not_live`` where that is no camera.
    """
    with opened(options) as (catalogue, _):
        try:
            catalogue.cameras.see(identify(options.serial))
        except not_live:
            raise
        except HostError as error:  # in use by the station, or away: what was seen last is shown
            say(f"sallyport: {error.what}", error.remedy)
        found = [camera for camera in catalogue.cameras.all() if options.serial in ("", camera.serial)]
        if options.accept:
            found = [accept_camera(catalogue, choose(found).seen, options.reason)]
    if options.json:
        print(json.dumps([{**plain(camera), "accepted": camera.accepted} for camera in found], indent=2))
        return ExitCode.DONE
    for camera in found:
        print(f"{camera.serial}  {camera.seen.name}: {'accepted' if camera.accepted else 'not accepted'}")
        for change in camera.changes:
            print(f"    {change.field}: {change.before or '-'} -> {change.after or '-'}")
    if not found:
        print("No live camera was seen here.")
    return ExitCode.DONE
