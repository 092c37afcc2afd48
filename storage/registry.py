"""The model registry: bundles on disk, named by the sha256 of their weights, and the aliases that deploy them.

A bundle is ``model.safetensors`` and ``manifest.json``. It is copied completely or not at all, verified whenever it is
resolved, and becomes the champion in one transaction after a self-test (reliability.md section 3.5). No torch here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.access import Permission
from core.codes import JobState, ModelRole
from core.errors import HostError, InputError, sentence
from core.untrusted import json_value
from storage.atomic import fsync_file, fsync_folder, sha256_of
from storage.catalogue import Catalogue
from storage.forms import canonical
from storage.identifiers import random_id
from storage.partial import partial_of
from storage.repositories.models import ModelRecord

WEIGHTS = "model.safetensors"
MANIFEST = "manifest.json"
_FILES = (WEIGHTS, MANIFEST)
PROMOTION = "promote"
"""The action of a promotion's proposal; its argument is ``model``, a sha256."""
_ADAPTED = "adaptation"
FOREIGN = "foreign"
"""Origin of a model that was made at another lane."""
_COPY_AGAIN = "Copy the bundle again from where it was made."

SelfTest = Callable[[Path], object]
"""Loads the bundle and runs its golden inputs; raises a `core.errors.KnownError` when the model must not decide."""


class ModelRegistry:
    """The models of one data folder. Every `ModelRecord` that leaves has an absolute path."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._models = catalogue.models
        self._folder = catalogue.folder

    # --- adding -------------------------------------------------------------------------------------------------

    def install_factory(self, bundle: Path, sha256: str) -> ModelRecord:
        """Make sure that the factory model, trusted by ``sha256``, is here and cannot go; cheap when it is.

        A station that never promoted anything follows a new factory model; otherwise the champion stays.

        Raises:
            InputError: the bundle is not the trusted one.
        """
        current = self._models.alias(ModelRole.FACTORY)
        if current and current == sha256:
            return self._found(str(ModelRole.FACTORY))
        manifest = _read_manifest(bundle)
        if manifest["sha256"] != sha256:
            raise InputError("The factory model is not the one of this program.", "Install the program again.")
        with self._catalogue.transaction():
            self._store(bundle, manifest, "factory", "", "program")
            self._models.set_alias(ModelRole.FACTORY, sha256)
            champion = self._models.alias(ModelRole.CHAMPION)
            if champion in ("", current):
                self._swap("install", sha256, "program", "factory model")
        return self._found(str(ModelRole.FACTORY))

    def add(self, bundle: Path, *, origin: str = _ADAPTED, job: str = "") -> ModelRecord:
        """Copy a bundle into the registry; a model of an adaptation becomes the candidate.

        Raises:
            DeniedError: whoever acts may not adapt.
            InputError: the bundle is not whole, or its weights are here with another manifest.
            HostError: it cannot be copied.
        """
        self._catalogue.require(Permission.ADAPT)
        manifest = _read_manifest(bundle)
        with self._catalogue.transaction():
            self._store(bundle, manifest, origin, job, self._catalogue.actor.id)
            if origin == _ADAPTED:
                self._models.set_alias(ModelRole.CANDIDATE, manifest["sha256"])
        return self._found(manifest["sha256"])

    # --- looking up ---------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> ModelRecord:
        """The model of an alias, a name, a sha256 or its beginning, its files verified.

        Raises:
            InputError: there is none, or its files are not those that were added.
        """
        record = self._found(reference)
        manifest = _read_manifest(Path(record.path))
        if manifest["sha256"] != record.sha256 or _manifest_sha256(Path(record.path)) != record.manifest_sha256:
            raise InputError(
                sentence("The manifest of model {name} was changed.", name=record.name),
                "Roll back with `main.py rollback`, or restore it.",
            )
        return record

    def champion(self) -> ModelRecord:
        """The deployed model; whoever loads it verifies its files. Raises `InputError` before `install_factory`."""
        return self._found(str(ModelRole.CHAMPION))

    def shadow(self) -> ModelRecord | None:
        """The model that runs beside the champion; whoever loads it verifies its files."""
        sha256 = self._models.alias(ModelRole.SHADOW)
        return self._found(sha256) if sha256 else None

    def all(self) -> list[ModelRecord]:
        """All models, newest first, with their roles."""
        return [self._absolute(record) for record in self._models.all()]

    def lineage(self, reference: str) -> list[ModelRecord]:
        """The model, its parent, and so on, as far as they are known here."""
        records = [self._found(reference)]
        while records[-1].parent and all(records[-1].parent != record.sha256 for record in records):
            parent = self._models.find(records[-1].parent)
            if parent is None:
                break
            records.append(self._absolute(parent))
        return records

    def root(self, reference: str) -> ModelRecord:
        """What a model was adapted from in the end: the factory model, one that was trained here, or a foreign one."""
        lineage = self.lineage(reference)
        return next((record for record in lineage if record.origin != _ADAPTED), lineage[-1])

    # --- deploying ----------------------------------------------------------------------------------------------

    def promote(self, reference: str, reason: str, self_test: SelfTest) -> ModelRecord:
        """Make a model the champion, after its self-test, in one transaction.

        Raises:
            DeniedError: whoever acts may not promote.
            ProposedError: a second person has to approve first (`storage.repositories.proposals`).
            InputError: no such model, no reason, damaged files, it is the champion already, somebody refused it, or it
                was judged against a model that is not the champion.
            KnownError: what ``self_test`` raised; the champion stays.
        """
        self._catalogue.require(Permission.PROMOTE)
        _require_reason(reason)
        record = self.resolve(reference)
        if ModelRole.CHAMPION in record.roles:
            raise InputError(sentence("Model {name} is the champion already.", name=record.name), "Choose another one.")
        self._require_compared(record)
        self_test(Path(record.path))
        self._catalogue.proposals.authorize(Permission.PROMOTE, PROMOTION, {"model": record.sha256}, reason)
        with self._catalogue.transaction():
            self._require_compared(record)
            self._swap("promote", record.sha256, self._catalogue.actor.id, reason)
        return self._found(record.sha256)

    def rollback(self, reason: str, self_test: SelfTest) -> ModelRecord:
        """Return to the champion before this one, after its self-test, in one transaction; one person does.

        Raises:
            DeniedError: whoever acts may not roll back.
            InputError: there is none before, no reason, or damaged files.
            KnownError: what ``self_test`` raised; the champion stays.
        """
        self._catalogue.require(Permission.ROLLBACK)
        _require_reason(reason)
        previous = self._models.alias(ModelRole.PREVIOUS)
        if not previous:
            raise InputError("There is no champion before this one.", "Choose a model with `main.py promote`.")
        record = self.resolve(previous)
        self_test(Path(record.path))
        with self._catalogue.transaction():
            self._swap("rollback", record.sha256, self._catalogue.actor.id, reason)
        return self._found(record.sha256)

    def reject(self, job: str, reason: str) -> None:
        """Refuse the candidate of a job; it is kept, but never deployed.

        Raises:
            DeniedError: whoever acts may not promote.
            InputError: no reason, no such job, or it has no candidate that waits (any more).
        """
        self._catalogue.require(Permission.PROMOTE)
        _require_reason(reason)
        with self._catalogue.transaction():
            record = self._catalogue.jobs.get(job)
            if record.state is not JobState.CANDIDATE:
                raise InputError(
                    sentence("The job {job} is {state}: it has no candidate to refuse.", job=job, state=record.state),
                    "See `main.py adapt status`.",
                )
            refused = record.candidate
            self._catalogue.jobs.update(job, state=JobState.REJECTED, message=reason)
            if refused and refused == self._models.alias(ModelRole.SHADOW):
                self._set_shadow("", "shadow_ended")
            if refused == self._models.alias(ModelRole.CANDIDATE):
                self._models.set_alias(ModelRole.CANDIDATE, "")

    def run_in_shadow(self, reference: str) -> ModelRecord:
        """Let a model run beside the champion; whoever loads it tests it. Another one that did so ends.

        Raises:
            DeniedError: whoever acts may not adapt.
            InputError: no such model, damaged files, or it is the champion.
        """
        self._catalogue.require(Permission.ADAPT)
        record = self.resolve(reference)
        if ModelRole.CHAMPION in record.roles:
            raise InputError(
                sentence("Model {name} is the champion: it decides already.", name=record.name), "Choose another one."
            )
        with self._catalogue.transaction():
            self._set_shadow(record.sha256, "shadow_begun")
        return self._found(record.sha256)

    def end_shadow(self) -> None:
        """Let none run beside the champion. Raises `DeniedError`, and `InputError` where none does."""
        self._catalogue.require(Permission.ADAPT)
        if not self._models.alias(ModelRole.SHADOW):
            raise InputError("Nothing is in shadow.", "Begin with `main.py shadow start MODEL`.")
        with self._catalogue.transaction():
            self._set_shadow("", "shadow_ended")

    def _set_shadow(self, sha256: str, action: str) -> None:
        told = sha256 or self._models.alias(ModelRole.SHADOW)
        self._models.set_alias(ModelRole.SHADOW, sha256)
        self._catalogue.audit.append(action, "model", told, actor=self._catalogue.actor.id)

    def _require_compared(self, record: ModelRecord) -> None:
        """The gate compared an adapted model with one champion, and with no other; an ancestor may always come back.

        What came from another lane was compared with that lane's champion: here it is judged first.
        """
        if record.origin not in (_ADAPTED, FOREIGN):
            return
        champion = self.champion()
        if record.origin == FOREIGN and not self._judged_here(record.sha256, champion.sha256):
            raise InputError(
                sentence("Model {name} came from elsewhere and was not judged here against the champion {champion}.",
                         name=record.name, champion=champion.name),
                "Judge it with `main.py adapt judge MODEL --sessions ID,..`, then run the job.",
            )  # fmt: skip
        if record.origin != _ADAPTED:
            return
        self._require_not_refused(record)
        ancestors = [ancestor.sha256 for ancestor in self.lineage(champion.sha256)]
        if champion.sha256 not in _judged_against(record) and record.sha256 not in ancestors:
            raise InputError(
                sentence("Model {name} was not judged against the champion {champion}.",
                         name=record.name, champion=champion.name),
                "Make a new plan: the gate compares with the champion of today.",
            )  # fmt: skip

    def _require_not_refused(self, record: ModelRecord) -> None:
        """What a person has refused stays refused, also where somebody had proposed it before."""
        for job in self._catalogue.jobs.all():
            if job.id == record.job and job.state is JobState.REJECTED:
                raise InputError(
                    sentence("Model {name} was refused: {reason}", name=record.name, reason=job.message),
                    "Choose another one.",
                )

    def _judged_here(self, sha256: str, champion: str) -> bool:
        """Whether a job's gate let it pass beside this champion, or it was the champion here before."""
        if any(deployment.sha256 == sha256 for deployment in self._models.deployments()):
            return True
        jobs = (job for job in self._catalogue.jobs.all() if job.candidate == sha256)
        return any(job.state is JobState.CANDIDATE and json.loads(job.plan).get("champion") == champion for job in jobs)

    def _swap(self, action: str, sha256: str, actor: str, reason: str) -> None:
        replaced = self._models.alias(ModelRole.CHAMPION)
        self._models.set_alias(ModelRole.CHAMPION, sha256)
        if self._models.alias(ModelRole.CANDIDATE) == sha256:
            self._models.set_alias(ModelRole.CANDIDATE, "")
        if self._models.alias(ModelRole.SHADOW) == sha256:
            self._models.set_alias(ModelRole.SHADOW, "")
        self._models.record_deployment(action, sha256, replaced, actor, reason)
        self._models.set_alias(ModelRole.PREVIOUS, self._before(sha256))
        self._tell_jobs(sha256, JobState.PROMOTED)
        if replaced:
            self._tell_jobs(replaced, JobState.RETIRED)

    def _before(self, champion: str) -> str:
        """What a rollback from ``champion`` returns to: promotions pile up, a rollback takes the topmost off."""
        pile: list[str] = []
        for deployment in reversed(self._models.deployments()):
            if deployment.action == "rollback" and len(pile) > 1:
                pile.pop()
            else:
                pile.append(deployment.sha256)
        return next((sha256 for sha256 in reversed(pile) if sha256 != champion), "")

    def _tell_jobs(self, sha256: str, state: JobState) -> None:
        record = self._models.find(sha256)
        made_by = record.job if record is not None else ""
        for job in self._catalogue.jobs.all():
            if job.candidate == sha256 or job.id == made_by:
                self._catalogue.jobs.update(job.id, state=state)

    # --- files --------------------------------------------------------------------------------------------------

    def _found(self, reference: str) -> ModelRecord:
        record = self._models.find(reference)
        if record is None:
            raise InputError(
                sentence("There is no model {reference!r}.", reference=reference), "List them with `main.py models`."
            )
        return self._absolute(record)

    def _absolute(self, record: ModelRecord) -> ModelRecord:
        return replace(record, path=str(self._folder.root / record.path))

    def _store(self, bundle: Path, manifest: dict[str, Any], origin: str, job: str, actor: str) -> None:
        sha256 = str(manifest["sha256"])
        digest = _manifest_sha256(bundle)
        known = self._models.find(sha256)
        if known is not None and known.manifest_sha256 != digest:
            raise InputError(
                sentence("The weights of {name} are registered with another manifest.", name=known.name),
                "One set of weights has one manifest: train again, or use the registered model.",
            )
        self._copy(bundle, self._folder.models / sha256)
        if known is not None:
            return
        name = str(manifest["name"])
        if self._models.find(name) is not None:
            name = f"{name}-{sha256[:8]}"
        row = {
            "sha256": sha256,
            "name": name,
            "path": f"models/{sha256}",
            "origin": origin,
            "parent": str(manifest.get("parent", "")),
            "architecture": str(manifest.get("architecture", "")),
            "job": job,
            "manifest": canonical(manifest),
            "manifest_sha256": digest,
        }
        self._models.add(row, actor)

    def _copy(self, bundle: Path, target: Path) -> None:
        """A folder that appears whole: copy beside it, flush, rename. What stands there is kept when it is whole."""
        if target.is_dir() and bundle.resolve() != target.resolve():
            if _is_same(bundle, target):
                return
            target.rename(target.with_name(f".{random_id('damaged')}"))
        if target.is_dir():
            return
        temporary = partial_of(target)
        shutil.rmtree(temporary, ignore_errors=True)  # of a process that had this one's id
        try:
            temporary.mkdir(parents=True)
            for name in _FILES:
                shutil.copyfile(bundle / name, temporary / name)
                fsync_file(temporary / name)
            fsync_folder(temporary)
            temporary.rename(target)
            fsync_folder(target.parent)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise HostError(
                sentence("The model could not be copied to {path}: {strerror}.", path=target, strerror=error.strerror),
                "Check free space and permissions.",
            ) from error


def _judged_against(record: ModelRecord) -> list[str]:
    """The champions that an adapted model may replace: its parent, or the one that it was made anew instead of."""
    data = record.manifest.get("data")
    instead_of = data.get("instead_of") if isinstance(data, dict) else None
    return [record.parent, *([str(instead_of)] if instead_of else [])]


def _read_manifest(bundle: Path) -> dict[str, Any]:
    """The manifest of a bundle whose weights are those that it names."""
    try:
        manifest = json_value((bundle / MANIFEST).read_bytes())
        digest = sha256_of(bundle / WEIGHTS)
    except OSError as error:
        raise InputError(
            sentence("{path} is no model: {strerror}.", path=bundle, strerror=error.strerror),
            sentence("It needs {weights} and {manifest}.", weights=WEIGHTS, manifest=MANIFEST),
        ) from error
    except ValueError as error:
        raise InputError(sentence("{path} is not JSON.", path=bundle / MANIFEST), _COPY_AGAIN) from error
    if not isinstance(manifest, dict) or not {"name", "sha256"} <= manifest.keys():
        raise InputError(sentence("{path} names no model.", path=bundle / MANIFEST), _COPY_AGAIN)
    if manifest["sha256"] != digest:
        raise InputError(
            sentence("The weights in {path} are not those that their manifest names.", path=bundle),
            "The file is damaged or was exchanged: copy the bundle again, or roll back with `main.py rollback`.",
        )
    return manifest


def _manifest_sha256(bundle: Path) -> str:
    return hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest()


def _is_same(one: Path, other: Path) -> bool:
    return all((other / name).is_file() and sha256_of(one / name) == sha256_of(other / name) for name in _FILES)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("A change of the champion needs a reason.", "Say in a few words why.")
