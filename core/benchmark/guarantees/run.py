"""Runs the checks in the order of their cost and puts their findings together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from core.benchmark.guarantees.difficulty import difficulty_findings, factor_findings
from core.benchmark.guarantees.finding import TITLES, Finding
from core.benchmark.guarantees.joint import joint_findings
from core.benchmark.guarantees.leaks import leak_findings
from core.benchmark.guarantees.missing import missing_findings, profile_findings
from core.benchmark.guarantees.plan import FULL, QUICK
from core.benchmark.guarantees.pseudo import pseudo_findings
from core.benchmark.guarantees.relief import relief_findings
from core.benchmark.guarantees.study import Study
from core.benchmark.hardware import described
from core.benchmark.work import Canceled, Report, Work
from core.errors import UsageError
from core.scenes import frozen
from core.scenes.domain import load_domain


def measure(
    domain_files: Sequence[Path] | None,
    quick: bool,
    report: Report,
    canceled: Canceled,
    work: Path,
    processes: int,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """See `core.benchmark.guarantees.check`."""
    torch.set_num_threads(1)
    started = time.monotonic()
    strangers = {domain.name: domain for domain in map(load_domain, domain_files or ())}
    names = list(frozen.domains())
    if taken := sorted({*names, frozen.JOINT_NAME, *(one.name for one in frozen.variants().values())} & set(strangers)):
        raise UsageError(
            f"The domain name {taken[0]!r} is one of {frozen.NAME}.", "Give the file's domain another name."
        )
    plan = QUICK if quick else FULL
    plan = plan.model_copy(update={"seeds": tuple(seeds) or plan.seeds})
    every = {**frozen.domains(), frozen.JOINT_NAME: frozen.joint_domain(), **strangers}
    study = Study(every, plan, Work(work), processes, report, canceled)
    findings = _of_files(study, names, list(strangers)) if strangers else _of_frozen(study, names)
    return {
        "name": frozen.NAME,
        "digest": frozen.digest(),
        "frozen": frozen.is_frozen(),
        "domains": list(strangers) or names,
        "plan": plan.model_dump(mode="json"),
        "hardware": described(),
        "seconds": round(time.monotonic() - started, 1),
        "findings": [finding.as_json() for finding in findings],
        "guarantees": _summary(findings),
        "holds": all(finding.holds for finding in findings),
    }


def _of_frozen(study: Study, names: Sequence[str]) -> list[Finding]:
    """Every guarantee; the cheap ones first."""
    found: list[Finding] = []
    for name in [*names, frozen.JOINT_NAME]:
        found += _leaks(study, name)
    for name in names:
        found += _relief(study, name, [other for other in names if other != name])
    found += difficulty_findings(study, names)
    found += factor_findings(study, frozen.BASE, frozen.variants())
    found += joint_findings(study, frozen.JOINT_NAME)
    found += pseudo_findings(study, names)
    found += missing_findings(study, names)
    return sorted(found, key=lambda finding: finding.guarantee)


def _of_files(study: Study, training: Sequence[str], strangers: Sequence[str]) -> list[Finding]:
    found: list[Finding] = []
    for name in strangers:
        found += _relief(study, name, training)
        found += profile_findings(study.domains[name])
        found += _leaks(study, name)
    return sorted(found, key=lambda finding: finding.guarantee)


def _leaks(study: Study, name: str) -> list[Finding]:
    return leak_findings(name, [study.rows(study.domains[name], split) for split in ("train", "dev", "test")])


def _relief(study: Study, name: str, training: Sequence[str]) -> list[Finding]:
    return relief_findings(name, study.rows(study.domains[name], "test"), study.of(training, "train"))


def _summary(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """One line a guarantee that was measured."""
    numbers = sorted({finding.guarantee for finding in findings})
    by_number = {number: [finding for finding in findings if finding.guarantee == number] for number in numbers}
    return [
        {
            "guarantee": number,
            "title": TITLES[number],
            "holds": all(finding.holds for finding in one),
            "failing": [finding.name for finding in one if not finding.holds],
        }
        for number, one in by_number.items()
    ]
