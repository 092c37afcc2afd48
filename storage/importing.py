"""Import: a manifest's images become stored sessions, one per subject, without loss.

A session appears whole or not at all: its frames database is filled under another name, and takes its place once the
catalogue has its rows; `storage.salvage.settle_imports` makes that last step after a cut. A canceled import keeps the
subjects that were finished, and goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.access import Permission
from core.codes import RecordMode, SessionPurpose, SessionState, SourceKind
from core.data.likeness import picture_warnings
from core.data.manifest import LeftOut, ManifestRow, load_frame_set, read_manifest
from core.errors import CanceledError, InputError, UsageError, sentence
from core.frames import FrameSet, Modality, StreamProfile
from storage.atomic import fsync_folder
from storage.catalogue import Catalogue
from storage.frames import FrameStore
from storage.identifiers import random_id, timed_id
from storage.repositories.presentations import LabelSource
from storage.repositories.sessions import SessionCounts
from storage.salvage import settle_imports
from storage.sealing import DataKey
from storage.session_signature import Provenance, provenance_of

_PERIOD_MS = 1000.0 / 30.0
"""A manifest knows no times: its frame sets follow each other at a nominal 30 Hz."""
_BATCH_SETS = 20
IMPORTED = "import"
"""The audit entry of an imported session; it says who had signed it (`storage.session_signature`)."""


@dataclass(frozen=True, slots=True)
class ImportBasis:
    """Why the images may be kept: they show no person, or people of whom a document or a publication allows it."""

    kind: str
    reference: str = ""

    @classmethod
    def parse(cls, text: str) -> ImportBasis:
        """Read ``no_person``, ``consent:ID`` or ``published``; raises `UsageError` on anything else."""
        kind, _, reference = text.partition(":")
        if (text in ("no_person", "published")) or (kind == "consent" and reference.strip()):
            return cls(kind, reference.strip())
        raise UsageError(sentence("{text!r} is no basis.", text=text), "Give no_person, consent:ID or published.")


UNKNOWN_SUBJECT = "unknown"
"""All rows without a subject are taken for one: a split by subject then cannot put one person on both sides."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``skipped``: subjects that an earlier run of the same import had stored already.

    ``provenance``: who signed what was imported; ``warnings``: where its faces do not look as faces do.
    """

    sessions: tuple[str, ...]
    frame_sets: int
    left_out: tuple[LeftOut, ...]
    skipped: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    warnings: tuple[str, ...] = ()


def import_manifest(
    catalogue: Catalogue,
    manifest_path: Path,
    basis: str,
    name: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Store the images of a manifest.

    Args:
        catalogue: where to.
        manifest_path: the manifest; its rows with unreadable images are left out and reported.
        basis: ``no_person``, ``consent:ID`` (ID names the document that covers all subjects) or ``published``.
        name: of the collection; the sessions bear it, and pseudonyms are unique within it.
        progress: is told rows done and rows in all.
        cancel: asked before every row.

    Raises:
        DeniedError: whoever acts may not import.
        UsageError: no such basis, or no name.
        InputError: the manifest cannot be used, or none of its images can, or it is not as it was signed.
        CanceledError: ``cancel`` said so; finished sessions are kept, and the same command goes on after them.
    """
    catalogue.require(Permission.IMPORT)
    ground = ImportBasis.parse(basis)
    if not name.strip() or "/" in name:
        raise UsageError(sentence("{name!r} is no name for a collection.", name=name), "Give a word without a slash.")
    manifest = read_manifest(manifest_path)
    provenance = provenance_of(catalogue, manifest_path)
    settle_imports(catalogue)
    kept = (one for one in catalogue.sessions.named(name) if catalogue.frames_path(one.id).is_file())
    stored = {session.subject for session in kept}  # what was erased may come again
    by_subject: dict[str, list[ManifestRow]] = defaultdict(list)
    for shown in manifest.presentations():  # its frame sets become one span, wherever its rows stand
        by_subject[shown[0].subject or UNKNOWN_SUBJECT].extend(shown)
    left_out = list(manifest.left_out)
    run = _Import(catalogue, ground, name, provenance, len(manifest.rows), progress, cancel, left_out)
    with catalogue.granted(Permission.IMPORT):
        for subject, rows in by_subject.items():
            if f"{name}/{subject}" in stored:
                run.skip(subject, len(rows))
            else:
                run.store(subject, rows)
    if not run.sessions and not run.skipped:
        raise InputError(
            sentence("No image of {name} can be used.", name=manifest_path.name), "Check the paths in the manifest."
        )
    told = tuple(sorted(run.left_out, key=lambda found: found.row))
    warnings = tuple(picture_warnings(manifest_path.name, manifest.rows))
    return ImportReport(tuple(run.sessions), run.frame_sets, told, tuple(run.skipped), provenance, warnings)


def imported_from(catalogue: Catalogue, session: str) -> Provenance | None:
    """Who had signed an imported session; ``None`` for one that was recorded here, or imported before it was noted."""
    found = [entry for entry in catalogue.audit.of("session", session) if entry.action == IMPORTED]
    return Provenance.of_entry(found[0].details) if found else None


@dataclass
class _Import:
    """One run: what it works with, and what it has done so far."""

    catalogue: Catalogue
    basis: ImportBasis
    name: str
    provenance: Provenance
    total: int
    progress: Callable[[int, int], None]
    cancel: Callable[[], bool]
    left_out: list[LeftOut]
    sessions: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    frame_sets: int = 0
    done: int = 0

    def skip(self, subject: str, rows: int) -> None:
        """The subject is stored already."""
        self.skipped.append(subject)
        self._advance(rows)

    def store(self, subject: str, rows: Sequence[ManifestRow]) -> None:
        """Make one subject's session."""
        session = timed_id(self.catalogue.clock.utc_s())
        partial = self.catalogue.folder.partial(session)
        try:
            # The key is stored with the session's rows: of an import that is cut off, nothing can be read again.
            key = DataKey.generate(random_id("key"))
            with FrameStore.create(partial, session, key) as store:
                filled = self._fill(store, rows)
                store.checkpoint()
            if filled.spans:
                self._enter(session, subject, filled, key)
        except BaseException:
            _remove(partial)
            raise
        if filled.spans:
            partial.replace(self.catalogue.frames_path(session))
            fsync_folder(partial.parent)
            self.sessions.append(session)
            self.frame_sets += filled.count
        _remove(partial)

    def _fill(self, store: FrameStore, rows: Sequence[ManifestRow]) -> _Filled:
        filled = _Filled()
        batch: list[FrameSet] = []
        for row in rows:
            if self.cancel():
                raise CanceledError(
                    sentence("The import was canceled after {n} sessions.", n=len(self.sessions)),
                    "The same command goes on after them.",
                )
            try:
                frame_set = load_frame_set(row)
            except InputError as error:
                self.left_out.append(LeftOut(row.line, f"{row.presentation}: {error.what}"))
            else:
                batch.append(filled.add(row, frame_set))
            if len(batch) == _BATCH_SETS:
                store.append(batch)
                batch = []
            self._advance(1)
        if batch:
            store.append(batch)
        return filled

    def _enter(self, session: str, pseudonym: str, filled: _Filled, key: DataKey) -> None:
        """Write the catalogue's rows, all or none."""
        catalogue = self.catalogue
        with catalogue.transaction():
            subject = catalogue.subjects.add(pseudonym, self.name).id
            no_person = self.basis.kind == "no_person"
            if not no_person:
                self._record_basis(subject)
            catalogue.sessions.open(
                SessionPurpose.IMPORT,
                RecordMode.FRAMES,
                SourceKind.SIMULATED if no_person else SourceKind.PLAYBACK,
                subject=subject,
                name=self.name,
                no_person=no_person,
                identity=session,
            )
            details = self.provenance.as_json()
            catalogue.audit.append(IMPORTED, "session", session, actor=catalogue.actor.id, details=details)
            catalogue.vault.for_session(session, key)
            catalogue.sessions.describe(session, device={"name": "manifest"}, profiles=filled.profiles)
            for row, first, last in filled.spans:
                presentation = catalogue.presentations.open(
                    session,
                    species=row.species,
                    name=row.presentation,
                    split=row.split,
                    start_s=_seconds(first),
                    label_source=LabelSource.MANIFEST,
                )
                catalogue.presentations.close(presentation, first, last, _seconds(last))
            counts = SessionCounts(recorded=filled.count, camera_s=_seconds(filled.count))
            catalogue.sessions.close(session, SessionState.CLOSED, counts)

    def _record_basis(self, subject: str) -> None:
        basis = "published" if self.basis.kind == "published" else "explicit_consent"
        reference = self.basis.reference or self.name
        standing = self.catalogue.consents.valid(subject)
        if standing is None or (standing.basis, standing.reference) != (basis, reference):
            self.catalogue.consents.add(subject, basis, reference=reference)

    def _advance(self, rows: int) -> None:
        self.done += rows
        self.progress(self.done, self.total)


@dataclass
class _Filled:
    """What one session holds so far: ``spans`` are a presentation's first row, and its first and last frame set."""

    count: int = 0
    spans: list[tuple[ManifestRow, int, int]] = field(default_factory=list)
    profiles: dict[Modality, StreamProfile] = field(default_factory=dict)

    def add(self, row: ManifestRow, frame_set: FrameSet) -> FrameSet:
        """Number the frame set within the session, and count it to its presentation."""
        self.count += 1
        self.profiles.update(frame_set.profiles)
        if self.spans and self.spans[-1][0].presentation == row.presentation:
            self.spans[-1] = (self.spans[-1][0], self.spans[-1][1], self.count)
        else:
            self.spans.append((row, self.count, self.count))
        return replace(frame_set, number=self.count, time_ms=_seconds(self.count) * 1000.0)


def _remove(partial: Path) -> None:
    for rest in partial.parent.glob(f"{partial.name}*"):
        rest.unlink()


def _seconds(number: int) -> float:
    return (number - 1) * _PERIOD_MS / 1000.0
