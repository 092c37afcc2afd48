"""`main.py qualify status|measure|revoke`: what each camera is qualified for."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence

from core.camera_identity import CameraIdentity
from core.codes import SourceKind
from core.errors import ExitCode
from core.frames import FrameSet, ModalityMask
from core.qualification.report import told, told_checks
from core.terminal import Interrupt, plain, show_rows
from storage import qualification
from storage.catalogue import Catalogue
from storage.opening import opened

Taken = tuple[CameraIdentity, SourceKind, Sequence[FrameSet]]
"""A camera, what kind of source it is, and frame sets of it."""
MEASURED_SETS = 30
"""Frame sets of one measurement of a wall: a second of a camera at 30 Hz."""


def status(catalogue: Catalogue, options: Namespace) -> int:
    """Every qualification with what it rests on and what it lacks."""
    repository = catalogue.qualifications
    show_rows(
        [told(record, repository.judgement(record.id)) for record in repository.all()],
        ("id", "camera", "mask", "state", "reason", "counts", "missing"),
        "No camera is qualified: live cameras give shadow verdicts. Begin with `main.py qualify measure`.",
        as_json=options.json,
    )
    return ExitCode.DONE


def measure(options: Namespace, sample: Callable[[str, int, Callable[[], bool]], Taken]) -> int:
    """Take frame sets of a wall with ``sample``, and add the placement to the camera's qualification."""
    with opened(options) as (catalogue, registry), Interrupt() as canceled:
        taken = sample(options.source, MEASURED_SETS, canceled)
        return _measured(catalogue, options, taken, registry.champion().sha256)


def _measured(catalogue: Catalogue, options: Namespace, taken: Taken, model: str) -> int:
    identity, kind, frame_sets = taken
    mask = options.modalities or ModalityMask.of(frame_sets[-1].profiles if frame_sets else ())
    record = qualification.begin(catalogue, identity, kind, mask, model)
    record = qualification.add_placement(catalogue, record.id, frame_sets, options.distance_mm)
    if not options.json:
        columns = ("figure", "value", "low", "high", "commissioned", "passed")
        show_rows(told_checks(record), columns, "Nothing was measured.", as_json=False)
    return _tell(catalogue, options, record.id)


def revoke(catalogue: Catalogue, options: Namespace) -> int:
    """Take a qualification back, with a reason."""
    qualification.revoke(catalogue, options.qualification, options.reason)
    return _tell(catalogue, options, options.qualification)


def _tell(catalogue: Catalogue, options: Namespace, number: int) -> int:
    record = catalogue.qualifications.get(number)
    form = plain(told(record, catalogue.qualifications.judgement(number)))
    print(json.dumps(form, indent=2) if options.json else f"qualification {number}: {record.state}")
    return ExitCode.DONE


QUALIFICATION_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "qualify status": status,
    "qualify revoke": revoke,
}
