"""One adaptation job from its frozen plan to the gate's answer; runs in an OS process of its own.

States of architecture.md section 6. Requests (pause, cancel) are obeyed between steps. A pause, a kill and a machine
without memory look alike from here: the next `run_job` prepares again, takes up the newest checkpoint and comes to the
same candidate.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.adaptation.exhaustion import OUT_OF_MEMORY, REMEDY, ran_out_of_memory
from core.adaptation.gate import outdated, refused
from core.adaptation.material import CropFace
from core.adaptation.plan import Plan, read_plan, verify_plan
from core.adaptation.progress import Interrupted, Progress
from core.adaptation.replay import Simulate, simulated
from core.adaptation.result import JobReport
from core.codes import GateResult, JobState
from core.errors import HostError, KnownError, UsageError, sentence
from core.model.share import ALONE, Share
from core.ports import JobRecord, JobStore, PresentationStore

log = logging.getLogger(__name__)

RUNNABLE = (
    JobState.QUEUED,
    JobState.PREPARING,
    JobState.TRAINING,
    JobState.EVALUATING,
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.OUT_OF_MEMORY,
)
"""States from which a job can be run; the active ones are those of a worker that was killed."""
ACTIVE = (JobState.PREPARING, JobState.TRAINING, JobState.EVALUATING)

_CLOCK_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a job works with. ``out_dir`` holds its checkpoint while it runs, and its candidate's bundle after it.

    ``model``: the verified bundle of a sha256. ``deployed``: sha256 of the champion of this moment. ``register`` takes
    the candidate's bundle into the model registry and returns its id there. ``memory`` is the folder of the replay
    memory that jobs share; ``share``: the processes among which training is divided.
    """

    jobs: JobStore
    presentations: PresentationStore
    model: Callable[[str], Path]
    deployed: Callable[[], str]
    out_dir: Path
    crop_face: CropFace
    register: Callable[[Path], str]
    simulate: Simulate = simulated
    memory: Path | None = None
    share: Share = ALONE


def run_job(job: str, workplace: Workplace) -> JobState:
    """Run a job to its end, to a pause or to a cancel; returns the state in which it was left.

    Raises:
        UsageError: the job is over, or another process runs it.
        HostError: there was not enough memory, and the job is OUT_OF_MEMORY; or a file or the catalogue could not be
            read or written, and it is INTERRUPTED. Either goes on when it is run again.
        KnownError: plan, material or machine do not allow it; the job is FAILED with that message, the champion as it
            was. Anything else is a bug; the job is FAILED as well.
    """
    record = workplace.jobs.get(job)
    if record.state not in RUNNABLE:
        raise UsageError(
            sentence("The job {job} is {state} and cannot be run.", job=job, state=record.state), "Make a new plan."
        )
    if record.state in ACTIVE and record.pid != os.getpid() and worker_runs(record):
        raise UsageError(
            sentence("The job {job} is running already (process {process}).", job=job, process=record.pid),
            "Watch it with `adapt status`.",
        )
    if workplace.jobs.take_request(job) == "cancel":
        return _cancel(job, workplace)
    workplace.jobs.update(job, state=JobState.PREPARING, message="", pid=os.getpid())
    progress = Progress(job, workplace.jobs)
    try:
        plan = read_plan(record.plan, record.plan_sha256)
        report, bundle = _run(plan, workplace, progress)
        judged = plan.judged
    except Interrupted as interrupted:
        if interrupted.request == "cancel":
            return _cancel(job, workplace)
        workplace.jobs.update(job, state=JobState.PAUSED)
        return JobState.PAUSED
    except Exception as error:
        if ran_out_of_memory(error):
            log.warning("the job %s ran out of memory: %s", job, error)
            workplace.jobs.update(job, state=JobState.OUT_OF_MEMORY, message=OUT_OF_MEMORY)
            raise HostError(OUT_OF_MEMORY, REMEDY) from error
        # What file, disk or database refused, not what the pass itself has found (a loss that is not finite).
        passes_by = isinstance(error, HostError) and error.__cause__ is not None
        message = error.in_one() if isinstance(error, KnownError) else f"{type(error).__name__}: {error}"
        workplace.jobs.update(job, state=JobState.INTERRUPTED if passes_by else JobState.FAILED, message=message)
        raise
    return _finish(job, workplace, report, bundle, judged)


def settle_interrupted(jobs: JobStore) -> list[str]:
    """Mark jobs whose worker is gone as INTERRUPTED (at start-up, and when jobs are listed); returns their ids."""
    gone = [record.id for record in jobs.all() if record.state in ACTIVE and not worker_runs(record)]
    for job in gone:
        jobs.update(job, state=JobState.INTERRUPTED)
    return gone


def ask(jobs: JobStore, job: str, command: str) -> None:
    """A person asks for ``pause`` or ``cancel``: told to the worker, or done at once where none runs.

    Raises:
        UsageError: the job is over, or a pause is asked of a job that nobody runs.
        InputError: there is no such job.
    """
    settle_interrupted(jobs)
    state = jobs.get(job).state
    if state in ACTIVE:
        jobs.request(job, command)
    elif command == "cancel" and state in RUNNABLE:
        jobs.update(job, state=JobState.CANCELED)
    else:
        raise UsageError(
            sentence("The job {job} is {state}: there is nothing to {command}.", job=job, state=state, command=command),
            "See `main.py adapt status`.",
        )


def worker_runs(record: JobRecord) -> bool:
    """Whether the job's process runs: its id is taken, not by a zombie, nor by a process younger than the job's row."""
    import psutil

    if record.pid <= 0:
        return False
    try:
        process = psutil.Process(record.pid)
        young = record.updated_utc_s > 0 and process.create_time() > record.updated_utc_s + _CLOCK_SLACK_S
        return bool(process.status() != psutil.STATUS_ZOMBIE) and not young
    except psutil.NoSuchProcess:
        return False


def _run(plan: Plan, workplace: Workplace, progress: Progress) -> tuple[JobReport, Path]:
    """Prepare, train, judge; torch comes in only here."""
    from core.adaptation.candidate import judged_pairs, report_of, write_candidate
    from core.adaptation.execution import Pass, prepare, train
    from core.adaptation.traffic import decided_again

    started = time.monotonic()
    verify_plan(plan, workplace.presentations, workplace.deployed())
    work = Pass(
        plan, workplace.model(plan.champion), workplace.out_dir, progress,
        workplace.presentations, workplace.crop_face, workplace.simulate, workplace.memory,
        root=workplace.model(plan.root or plan.champion), share=workplace.share,
    )  # fmt: skip
    if plan.judged:
        from core.adaptation.judging_only import judge_model

        workplace.share.agree(False)
        progress.enter(JobState.EVALUATING)
        bundle = workplace.model(plan.judged)
        return _stamped(judge_model(work, bundle), plan, workplace, started), bundle
    progress.enter(JobState.PREPARING)
    try:
        prepared = prepare(work)
    except BaseException:
        workplace.share.agree(False)
        raise
    workplace.share.agree(True)
    progress.enter(JobState.TRAINING)
    train(work, prepared.trainer)
    progress.enter(JobState.EVALUATING)
    written = write_candidate(work, prepared)
    report = report_of(work, prepared, written, judged_pairs(work, prepared))
    report = report.model_copy(update={"traffic": decided_again(work, prepared, written)})
    return _stamped(report, plan, workplace, started), written.bundle


def _stamped(report: JobReport, plan: Plan, workplace: Workplace, started: float) -> JobReport:
    """Refused where the champion changed meanwhile, and with the time that it took."""
    if workplace.deployed() != plan.replaces:
        report = report.model_copy(update={"gate": refused(report.gate, [outdated()])})
    return report.model_copy(update={"seconds": time.monotonic() - started})


def _finish(job: str, workplace: Workplace, report: JobReport, bundle: Path, judged: str) -> JobState:
    """``judged``: a model that is registered already; empty where the pass made one."""
    from core.adaptation.checkpoint import remove_checkpoint

    if workplace.jobs.take_request(job) == "cancel":  # asked for while the figures were made
        return _cancel(job, workplace)
    passed = report.gate.result is GateResult.PASSED
    state = JobState.CANDIDATE if passed else JobState.REJECTED
    candidate = "" if not passed else judged or workplace.register(bundle)
    workplace.jobs.update(
        job, state=state, progress=1.0, message=str(report.gate.result), candidate=candidate, report=report.to_json()
    )
    remove_checkpoint(workplace.out_dir)
    return state


def _cancel(job: str, workplace: Workplace) -> JobState:
    from core.adaptation.checkpoint import remove_checkpoint

    workplace.jobs.update(job, state=JobState.CANCELED)
    remove_checkpoint(workplace.out_dir)
    return JobState.CANCELED
