"""`main.py record|devices`: what needs cameras and no catalogue."""

from __future__ import annotations

import json
from argparse import Namespace

from core.errors import ExitCode
from core.terminal import Interrupt, percentage, plain, show_rows


def record(options: Namespace) -> int:
    """Record the streams of a source into an SDK file."""
    from devices.recording import record as write

    with Interrupt() as canceled:
        report = write(options.source, options.out, options.seconds, percentage("recording"), canceled)
    print(json.dumps(plain(report), indent=2))
    return ExitCode.CANCELED if canceled() else ExitCode.DONE


def devices(options: Namespace) -> int:
    """List the cameras."""
    from devices.doctor import list_devices

    found = list_devices()
    show_rows(found, ("name", "serial", "firmware", "usb"), "No camera is connected.", as_json=options.json)
    return ExitCode.DONE
