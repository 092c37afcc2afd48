"""`main.py adapt`: jobs planned, run and as they stand.

The worker, which brings torch, is imported only where it is asked.
"""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import Permission
from core.codes import JobState, UnlabelledUse
from core.errors import ExitCode, InputError, sentence
from core.labelling.figures import SecondLabels
from core.logs import start_logging
from core.results import write_json
from core.terminal import plain
from storage.catalogue import Catalogue
from storage.commands_labels import second_labels_line
from storage.commands_power import gate_of, power
from storage.commands_site_shift import shift
from storage.lineage import people_learned, refuse_excised, without
from storage.opening import folder_of, opened
from storage.registry import ModelRegistry

if TYPE_CHECKING:
    from core.adaptation.plan import Plan
    from core.adaptation.worker import Workplace


def plan(catalogue: Catalogue, options: Namespace) -> int:
    """Freeze a plan over stored sessions; prints the job's id, and on stderr what becomes of what has no label."""
    from core.adaptation.plan import make_plan

    registry, use = ModelRegistry(catalogue), UnlabelledUse(options.unlabelled)
    champion = registry.champion()
    refuse_excised(registry, options.sessions)
    made = make_plan(
        catalogue.material, options.sessions, champion.sha256, champion.name, options.seed,
        gate=gate_of(options), unlabelled=use, root=registry.root(champion.sha256).sha256,
        traffic=catalogue.material.traffic(), learned=people_learned(catalogue, champion.sha256),
    )  # fmt: skip
    if made.unlabelled:
        used = f"{len(made.pseudo_labelled)} of {len(made.unlabelled)} presentations without a label are used"
        print(f"{used} (--unlabelled {use}).", file=sys.stderr)
    return _freeze(catalogue, made)


def excise(catalogue: Catalogue, options: Namespace) -> int:
    """Freeze a plan of the champion anew without a session: from the last model that had not learned it."""
    from core.adaptation.plan import Excision, make_plan

    registry = ModelRegistry(catalogue)
    champion = registry.champion()
    found = without(registry, options.session)
    usable = [session for session in found.sessions if catalogue.material.presentations([session])]
    if not usable:
        raise InputError(
            sentence("The champion {name} was adapted with nothing else that is still here.", name=champion.name),
            sentence("Go back to {name} with `main.py promote`.", name=found.base.name),
        )
    print(f"From {found.base.name}, with {', '.join(usable)}.", file=sys.stderr)
    made = make_plan(
        catalogue.material, usable, found.base.sha256, found.base.name, options.seed, gate=gate_of(options),
        root=registry.root(found.base.sha256).sha256,
        excision=Excision(sessions=list(found.excised), instead_of=champion.sha256),
        traffic=catalogue.material.traffic(), learned=people_learned(catalogue, found.base.sha256),
    )  # fmt: skip
    gone = [session for session in found.sessions if session not in usable]
    if gone:
        print(f"Not there any more: {', '.join(gone)}.", file=sys.stderr)
    return _freeze(catalogue, made)


def judge(catalogue: Catalogue, options: Namespace) -> int:
    """Freeze a plan that only judges a model from another lane on stored sessions; prints the job's id.

    By people whom neither it nor the champion has learned: both would look better on their own.
    """
    from core.adaptation.plan import make_plan

    registry = ModelRegistry(catalogue)
    champion, model = registry.champion(), registry.resolve(options.model)
    if model.sha256 == champion.sha256:
        raise InputError(sentence("The model {name} is the champion.", name=model.name), "Choose another one.")
    learned = people_learned(catalogue, champion.sha256) | people_learned(catalogue, model.sha256)
    made = make_plan(
        catalogue.material, options.sessions, champion.sha256, champion.name, options.seed, gate=gate_of(options),
        judged=model.sha256, learned=learned,
    )  # fmt: skip
    return _freeze(catalogue, made)


def _freeze(catalogue: Catalogue, made: Plan) -> int:
    """Store a plan and print its job's id."""
    text = made.to_json()
    _tell_left_out(text)
    print(catalogue.jobs.create(text, made.sha256()))
    return ExitCode.DONE


def run(options: Namespace) -> int:
    """Work on a job in this process; also `adapt resume`: it goes on from its checkpoint where it has one.

    Begun by ``torchrun --nproc-per-node N``, the processes share the training; the first one speaks with the catalogue.
    """
    from core.adaptation.worker import Workplace, run_job
    from core.face.sampler import FaceSampler
    from core.model.share import joined
    from core.processes import yield_to_the_station

    yield_to_the_station()
    start_logging(folder_of(options).root / "logs", "adapt")
    sampler = FaceSampler()
    with joined() as share, opened(options) as (catalogue, registry):
        workplace = Workplace(
            share=share,
            jobs=catalogue.jobs,
            presentations=catalogue.material,
            model=lambda sha256: Path(registry.resolve(sha256).path),
            deployed=lambda: registry.champion().sha256,
            out_dir=catalogue.folder.jobs / options.job,
            crop_face=lambda frame_set: sampler.sample(frame_set).crop,
            register=lambda bundle: registry.add(bundle, job=options.job).sha256,
            memory=catalogue.folder.replay,
        )
        if not share.first:
            return _follow(catalogue, options.job, workplace)
        try:
            with catalogue.granted(Permission.ADAPT):
                run_job(options.job, workplace)
        except KeyboardInterrupt:
            catalogue.jobs.update(options.job, state=JobState.INTERRUPTED)
            raise
        return tell_job(catalogue, options)


def _follow(catalogue: Catalogue, job: str, workplace: Workplace) -> int:
    """Another process of a shared pass."""
    from core.adaptation.following import follow
    from core.adaptation.plan import read_plan

    record = catalogue.jobs.get(job)
    with catalogue.granted(Permission.ADAPT):
        follow(read_plan(record.plan, record.plan_sha256), workplace)
    return ExitCode.DONE


def status(catalogue: Catalogue, options: Namespace) -> int:
    """How a job stands; one whose process is gone is told as interrupted."""
    from core.adaptation.worker import settle_interrupted

    settle_interrupted(catalogue.jobs)
    return tell_job(catalogue, options)


def request(catalogue: Catalogue, options: Namespace) -> int:
    """Ask the job's process to pause or to stop; where none runs, a cancel is done at once."""
    from core.adaptation.worker import ask

    catalogue.require(Permission.ADAPT)
    ask(catalogue.jobs, options.job, options.handler.removeprefix("adapt "))
    if catalogue.jobs.get(options.job).state is JobState.CANCELED:  # of a job that ran, its process removes it
        shutil.rmtree(catalogue.folder.jobs / options.job, ignore_errors=True)
    return tell_job(catalogue, options)


def tell_job(catalogue: Catalogue, options: Namespace) -> int:
    """One line, and the whole job as JSON where ``--json OUT`` asks for it."""
    job = catalogue.jobs.get(options.job)
    print(f"{job.id}: {job.state}, {job.progress:.0%} {job.message}".rstrip())
    _tell_left_out(job.plan)
    if options.json is not None:
        told = {**plain(job), "plan": json.loads(job.plan), "report": json.loads(job.report or "null")}
        write_json(told, options.json)
    return ExitCode.DONE


def _tell_left_out(plan: str) -> None:
    """On stderr, of a plan (its JSON): what the caps left out, by person; labels given twice, and contested ones."""
    told = json.loads(plan)
    capped = Counter((one["subject"], one["cap"]) for one in told.get("left_out", []) if "cap" in one)
    for (subject, cap), count in sorted(capped.items()):
        print(f"Left out as too many: {count} of {subject or 'unknown people'} (per {cap}).", file=sys.stderr)
    second = told.get("second_labels")
    if second is not None:
        print(f"{second_labels_line(SecondLabels.model_validate(second))}.", file=sys.stderr)


JOB_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "adapt plan": plan,
    "adapt excise": excise,
    "adapt judge": judge,
    "adapt power": power,
    "adapt shift": shift,
    "adapt status": status,
    "adapt pause": request,
    "adapt cancel": request,
}
