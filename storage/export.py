"""Export: a stored session as lossless images, a manifest that `import` reads, and a JSON with all the rest.

A manifest's modalities are registered. What is not (a camera's own streams) is registered to the colour camera on the
way out; the native pixels stay in the session. What has no label cannot stand in a manifest, where an empty species
means bona fide: its images are written, and the report says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.access import Permission
from core.data.manifest import LeftOut, ManifestRow, write_manifest
from core.errors import CanceledError, HostError, InputError, sentence
from core.frames import FrameSet, Modality
from core.registration import register
from storage.atomic import write_atomically
from storage.catalogue import Catalogue
from storage.forms import profiles_to_json, trace_to_json
from storage.partial import require_empty
from storage.repositories.presentations import Presentation, PresentationState
from storage.repositories.sessions import Basis, Session
from storage.repositories.subjects import SHARE
from storage.session_signature import sign_export

SCHEMA = 1
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written. ``left_out.row`` is the number of the frame set."""

    manifest: Path
    frame_sets: int
    left_out: tuple[LeftOut, ...]

    def __str__(self) -> str:
        return str(self.manifest)


def export_session(
    catalogue: Catalogue,
    session: str,
    out_dir: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> ExportReport:
    """Write ``session`` to ``out_dir``: ``images/``, ``manifest.csv``, ``session.json``, and this lane's signature.

    Raises:
        DeniedError: whoever acts may not export.
        InputError: there is no such session, it has no frames, somebody who is shown did not agree to share them, or
            ``out_dir`` is not empty.
        HostError: ``out_dir`` cannot be written.
        CanceledError: ``cancel`` said so; what was written stays, without a manifest.
    """
    catalogue.require(Permission.EXPORT)
    record = catalogue.sessions.get(session)
    require_shared(catalogue, record, catalogue.presentations.people(session))
    presentations = catalogue.presentations.of_session(session)
    require_empty(out_dir)
    note_export(catalogue, session, out_dir)
    rows: list[ManifestRow] = []
    left_out: list[LeftOut] = []
    with catalogue.granted(Permission.EXPORT), catalogue.material.session(session) as store:
        _make_folder(out_dir / "images")
        total = len(store)
        damaged = [0]

        def leave_out(error: InputError) -> None:
            damaged[0] += 1
            left_out.append(LeftOut(0, error.what))

        for done, frame_set in enumerate(store.frame_sets(on_damage=leave_out), start=1):
            if cancel():
                raise CanceledError("The export was canceled.", "Remove the folder, or export again into a new one.")
            images = _write_images(out_dir / "images", frame_set)
            presentation = _presentation_of(presentations, frame_set.number)
            if presentation is None or presentation.species is None or not images:
                left_out.append(LeftOut(frame_set.number, _why(presentation, frame_set)))
            else:
                person = presentation.subject or record.subject
                pseudonym = catalogue.subjects.get(person).pseudonym if person else "unknown"
                rows.append(_row(pseudonym, presentation, frame_set, images, len(rows) + 2))
            progress(done + damaged[0], total)
    manifest = out_dir / "manifest.csv"
    write_manifest(manifest, rows)
    text = json.dumps(_document(catalogue, session, left_out), indent=1, ensure_ascii=False) + "\n"
    write_atomically(out_dir / "session.json", text.encode())
    sign_export(catalogue, out_dir)
    return ExportReport(manifest, total, tuple(left_out))


def require_shared(catalogue: Catalogue, record: Session, others: Iterable[str]) -> None:
    """What leaves the station needs consents that stand and cover sharing, of the session's subject and of all
    ``others`` who are shown; material of nobody needs none.
    """
    if record.basis is not Basis.CONSENT:
        return
    for subject in (record.subject, *others):
        consent = catalogue.consents.valid(subject)
        if consent is None or SHARE not in consent.purposes:
            raise InputError(
                sentence("The consent of {subject} does not cover sharing.", subject=subject),
                "Ask for one that does, and record it (page Collect, New subject) under the same pseudonym.",
            )


def note_export(catalogue: Catalogue, session: str, out_dir: Path) -> None:
    """An erasure must know which copies left the station; so this stands before the first image is written."""
    row = {"session": session, "folder": str(out_dir.absolute()), "actor": catalogue.actor.id}
    with catalogue.transaction():
        catalogue.file.insert("exports", {**row, "utc_s": catalogue.clock.utc_s()})
        catalogue.audit.append("export", "session", session, actor=catalogue.actor.id)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=folder, strerror=error.strerror),
            "Choose a folder with room.",
        ) from error


def _write_images(folder: Path, frame_set: FrameSet) -> dict[Modality, Path]:
    """The usable modalities as PNG files."""
    mask = frame_set.mask
    if not mask:
        return {}
    registered = all(frame_set.profiles[modality].intrinsics is None for modality in mask)
    pixels = {m: frame_set[m].pixels for m in mask} if registered else register(frame_set, mask)
    paths = {modality: folder / f"{frame_set.number:06d}_{modality}.png" for modality in pixels}
    for modality, path in paths.items():
        _write_image(path, pixels[modality], modality)
    return paths


def _write_image(path: Path, pixels: NDArray[Any], modality: Modality) -> None:
    image = pixels[:, :, ::-1] if modality is Modality.RGB else pixels
    done, data = cv2.imencode(".png", np.ascontiguousarray(image), _PNG)
    if not done:
        raise ValueError(f"{modality} {pixels.dtype} {pixels.shape} cannot be a PNG")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise HostError(
            sentence("{path} could not be written: {strerror}.", path=path, strerror=error.strerror),
            "Choose a folder with room.",
        ) from error


def _presentation_of(presentations: list[Presentation], number: int) -> Presentation | None:
    usable = (p for p in presentations if p.state is not PresentationState.DISCARDED)
    return next((p for p in usable if p.first_set <= number <= p.last_set), None)


def _why(presentation: Presentation | None, frame_set: FrameSet) -> str:
    if presentation is None:
        return "belongs to no presentation"
    if not frame_set.mask:
        return sentence("{presentation}: no usable modality", presentation=presentation.id)
    return sentence("{presentation}: not labelled (`main.py label`)", presentation=presentation.id)


def _row(
    pseudonym: str, presentation: Presentation, frame_set: FrameSet, images: dict[Modality, Path], line: int
) -> ManifestRow:
    unit = frame_set.profiles[Modality.DEPTH].depth_unit_m if Modality.DEPTH in images else None
    return ManifestRow(
        presentation=presentation.name or presentation.id,
        subject=pseudonym,
        species=presentation.species or "",
        images=images,
        depth_unit_m=unit,
        framing=frame_set.framing,
        split=presentation.split,
        line=line,
    )


def _document(catalogue: Catalogue, session: str, left_out: list[LeftOut]) -> dict[str, Any]:
    record = asdict(catalogue.sessions.get(session))
    record["profiles"] = profiles_to_json(catalogue.sessions.get(session).profiles)
    verdicts = []
    for stored in catalogue.verdicts.of_session(session):
        form = asdict(stored)
        form["verdict"]["mask"] = str(stored.verdict.mask)
        form["verdict"]["trace"] = trace_to_json(stored.verdict.trace)
        verdicts.append(form)
    return {
        "schema": SCHEMA,
        "source_kind": str(record["source_kind"]),
        "session": record,
        "presentations": [asdict(presentation) for presentation in catalogue.presentations.of_session(session)],
        "verdicts": verdicts,
        "left_out": [{"row": found.row, "reason": found.reason} for found in left_out],
    }
