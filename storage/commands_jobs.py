"""`main.py adapt status|pause|cancel`: adaptation jobs as they stand.

The worker, which brings torch, is imported only where it is asked.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping

from core.errors import ExitCode
from core.terminal import plain
from storage.catalogue import Catalogue


def status(catalogue: Catalogue, options: Namespace) -> int:
    """How a job stands; one whose process is gone is told as interrupted."""
    from core.adaptation.worker import settle_interrupted

    settle_interrupted(catalogue.jobs)
    return tell_job(catalogue, options)


def request(catalogue: Catalogue, options: Namespace) -> int:
    """Ask the job's process to pause or to stop."""
    from core.adaptation.worker import ask

    ask(catalogue.jobs, options.job, options.handler.removeprefix("adapt "))
    return tell_job(catalogue, options)


def tell_job(catalogue: Catalogue, options: Namespace) -> int:
    """One line, and the whole job as JSON where ``--json OUT`` asks for it."""
    job = catalogue.jobs.get(options.job)
    print(f"{job.id}: {job.state}, {job.progress:.0%} {job.message}".rstrip())
    if options.json is not None:
        told = {**plain(job), "plan": json.loads(job.plan), "report": json.loads(job.report or "null")}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return ExitCode.DONE


JOB_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "adapt status": status,
    "adapt pause": request,
    "adapt cancel": request,
}
