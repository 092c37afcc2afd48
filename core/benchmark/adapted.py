"""Adaptation on a manifest of captures, pass after pass through the product's own code (evaluation.md 3 and 5).

Two ways to choose who adapts and who judges; no subject ever does both:

* draws: half of the subjects adapt, and of their presentations ``labelled`` are drawn, anew for each draw;
* splits: every way to let half of the subjects adapt with all that they have (six subjects: all 20), each subject
  printed, so that a BPCER never stands without the APCER on hybrids of the same people.

Judging uses hybrids of the family that does not train (`core.data.hybrids`), the gate its simulated hold-out.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from core.adaptation.candidate import judged_pairs, report_of, write_candidate
from core.adaptation.early import Encoded
from core.adaptation.execution import Pass, prepare, train
from core.adaptation.judging import Bars, Judged, bars_of
from core.adaptation.paired import Stratum
from core.adaptation.plan import Plan, PlannedPresentation, Split, make_plan, split_subjects
from core.adaptation.progress import Interrupted, Progress, Unheard
from core.adaptation.replay import Simulate, simulated
from core.adaptation.settings import TrainingSettings
from core.benchmark.captures import SESSION, ManifestStore, face_seen
from core.benchmark.work import Canceled, Report, Work, stop_if
from core.codes import Species
from core.data.hybrids import Family
from core.data.manifest import Manifest
from core.errors import CanceledError, UsageError
from core.face.sampler import FaceSampler
from core.metrics.rate import rate_of
from core.model.bundle import read_manifest as read_bundle

SCHEMA = 1
_NO_CAP = 1_000_000
_CORE = Path(__file__).parents[1]
_PROGRAM = ("adaptation", "model", "face", "training", "data", "metrics", "scenes")
"""Packages whose code a pass's figures depend on."""
_POOLED = ("macro_hter", "auc")
_TITLES = {"macro_hter": "macro HTER", "auc": "AUC (in percent)", "bpcer": "BPCER"}
_BONA_FIDE_SHARE = 0.7
"""Of the labelled presentations, where there are attacks too (evaluation.md section 5: 14 of 20)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a model on a manifest. ``labelled`` 0 = every split of the subjects into halves."""

    manifest: Manifest
    champion: Path
    work: Path
    labelled: int = 0
    draws: int = 1
    splits: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
    simulate: Simulate = simulated


def run(order: Order, report: Report, canceled: Canceled) -> dict[str, Any]:
    """Every pass of the order; a pass that an earlier run has finished is read.

    Raises:
        InputError: the manifest or the model cannot be used.
        UsageError: fewer than two subjects, or more labelled presentations than there are.
        CanceledError: a person asked to stop; finished passes are kept.
    """
    bench = _Bench(order, report, canceled)
    plans = bench.draws() if order.labelled else bench.splits()
    passes = []
    for number, plan in enumerate(plans):
        report("adapting", number / len(plans))
        passes.append(bench.passed(plan))
    report("adapting", 1.0)
    head = {"schema": SCHEMA, "model": bench.champion, "training": bench.training.model_dump(mode="json")}
    told = {**head, "draws" if order.labelled else "splits": passes, "summary": _summary(passes)}
    return {**told, "left_out": [asdict(one) for one in bench.left_out]}


class _Bench:
    """One manifest, one champion; what was encoded is kept from pass to pass."""

    def __init__(self, order: Order, report: Report, canceled: Canceled) -> None:
        self._order, self._canceled = order, canceled
        sampler = FaceSampler()
        self._store = ManifestStore(
            order.manifest, lambda frame_set: sampler.sample(frame_set).crop, order.training.frames, report, canceled
        )
        self.left_out = self._store.left_out
        self._inputs = hashlib.sha256(f"{self._store.digest}\n{program_digest()}".encode()).hexdigest()
        self._kept: dict[tuple[str, Family, int], list[Encoded]] = {}
        bundle = read_bundle(order.champion)
        self.champion = bundle.sha256
        # Who is labelled and who judges is drawn here: no presentation is a flood.
        self.training = order.training.model_copy(update={"subject_cap": _NO_CAP})
        self._whole = make_plan(self._store, [SESSION], bundle.sha256, bundle.name, 0, self.training)
        self._work = Work(order.work)

    def splits(self) -> list[Plan]:
        """Every choice of half of the subjects (the smaller half, where they are odd) to adapt."""
        subjects = sorted({presentation.subject for presentation in self._whole.presentations})
        chosen = list(combinations(subjects, len(subjects) // 2))[: self._order.splits]
        return [self._plan(Split(train=list(train), calibrate=[], judge=_rest(subjects, train)), 0) for train in chosen]

    def draws(self) -> list[Plan]:
        """Half of the subjects adapt with some of their presentations, both drawn by the number of the draw."""
        plans = []
        for seed in range(self._order.draws):
            split = split_subjects(self._whole.presentations, seed)
            adapting = {*split.train, *split.calibrate}
            ours = [p for p in self._whole.presentations if p.subject in adapting]
            chosen = {p.id for p in _drawn(ours, self._order.labelled, seed)}
            kept = [p for p in self._whole.presentations if p.subject not in adapting or p.id in chosen]
            train = sorted({p.subject for p in kept if p.id in chosen})
            plans.append(self._plan(Split(train=train, calibrate=[], judge=split.judge), seed, kept))
        return plans

    def _plan(self, split: Split, seed: int, presentations: Sequence[PlannedPresentation] | None = None) -> Plan:
        changed = {"split": split, "seed": seed, "presentations": list(presentations or self._whole.presentations)}
        return self._whole.model_copy(update=changed)

    def passed(self, plan: Plan) -> dict[str, Any]:
        """One pass from the plan to its figures."""
        name = hashlib.sha256(f"{plan.sha256()}\n{self._inputs}".encode()).hexdigest()[:24]
        piece, out_dir = f"adapted/{name}.json", self._order.work / "adapted" / f"job-{name}"
        if not self._work.has(piece):
            stop_if(self._canceled)
            self._work.save_json(piece, self._run(plan, out_dir))
            shutil.rmtree(out_dir, ignore_errors=True)
        found: dict[str, Any] = self._work.load_json(piece)
        return found

    def _run(self, plan: Plan, out_dir: Path) -> dict[str, Any]:
        started = time.monotonic()
        work = Pass(
            plan, self._order.champion, out_dir, Progress("", Unheard(self._canceled)), self._store,
            face_seen, self._order.simulate, self._order.work / "replay", self._kept,
        )  # fmt: skip
        try:
            prepared = prepare(work)
            train(work, prepared.trainer)
            written = write_candidate(work, prepared)
            pairs = judged_pairs(work, prepared)
        except Interrupted as interrupted:
            raise CanceledError(
                "The benchmark was stopped.", "Start it again; finished passes are kept."
            ) from interrupted
        figures = report_of(work, prepared, written, pairs)
        bars = {
            "before": (0, bars_of(prepared.manifest)),
            "threshold_only": (0, written.recalibrated),
            "after": (1, written.bars),
        }
        return {
            "seed": plan.seed,
            "labelled": _labelled(plan),
            "adapting": plan.split.train,
            "before": figures.overall.before,
            "threshold_only": figures.overall.threshold_only,
            "after": figures.overall.after,
            "gate": figures.gate.model_dump(mode="json"),
            "subjects": {name: _by_subject([p[side] for p in pairs], bar) for name, (side, bar) in bars.items()},
            "without_face": figures.without_face,
            "seconds": round(time.monotonic() - started, 1),
        }


@lru_cache
def program_digest() -> str:
    """Digest of the code behind a pass: what an older program has found is not this one's result."""
    found = hashlib.sha256()
    for path in sorted(path for package in _PROGRAM for path in (_CORE / package).rglob("*.py")):
        found.update(path.relative_to(_CORE).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _rest(subjects: Sequence[str], chosen: Sequence[str]) -> list[str]:
    return [subject for subject in subjects if subject not in chosen]


def _drawn(presentations: Sequence[PlannedPresentation], count: int, seed: int) -> list[PlannedPresentation]:
    """``count`` presentations, bona fide and attacks by `_BONA_FIDE_SHARE` as far as there are enough of both."""
    generator = np.random.default_rng([seed, 4])
    bona_fide = [p for p in presentations if p.species == Species.BONA_FIDE]
    attacks = [p for p in presentations if p.species != Species.BONA_FIDE]
    of_attacks = min(len(attacks), count - min(len(bona_fide), round(_BONA_FIDE_SHARE * count)))
    if count - of_attacks > len(bona_fide):
        raise UsageError(
            f"{count} labelled presentations were asked for; those who adapt have {len(presentations)}.",
            "Ask for fewer with --labelled.",
        )
    parts = ((bona_fide, count - of_attacks), (attacks, of_attacks))
    return [part[int(i)] for part, n in parts for i in generator.choice(len(part), n, replace=False)] if count else []


def _labelled(plan: Plan) -> dict[str, int]:
    adapting = plan.of(plan.split.train)
    bona_fide = sum(p.species == Species.BONA_FIDE for p in adapting)
    return {"bona_fide": bona_fide, "attack": len(adapting) - bona_fide}


def _by_subject(judged: Sequence[Judged], bars: Bars) -> dict[str, dict[str, Any]]:
    """Forced decisions under each presentation's most complete mask: BPCER of the subject, APCER on its species."""
    found: dict[str, dict[str, Any]] = {}
    for subject in sorted({one.subject for one in judged if one.stratum is not Stratum.SOURCE}):
        errors: dict[str, list[bool]] = {}
        for one in judged:
            if one.subject == subject and one.stratum is not Stratum.SOURCE:
                accepted = bars.accepts(one.mask, one.logits[one.mask])
                wrong = accepted if one.species != Species.BONA_FIDE else not accepted
                errors.setdefault(one.species or "bona_fide", []).append(wrong)
        found[subject] = {
            name: rate.as_json() for name, wrong in errors.items() if (rate := rate_of(wrong)) is not None
        }
    return found


def _summary(passes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and spread over passes of the rates that count, and how often the gate let a candidate through."""
    told: dict[str, Any] = {}
    for side in ("before", "threshold_only", "after"):
        rates: dict[str, list[float]] = {}
        for one in passes:
            for species, rate in [("bpcer", one[side]["bpcer"]), *one[side]["apcer"].items()]:
                if rate is not None:
                    rates.setdefault(species, []).append(float(rate["value"]))
            for name in _POOLED:
                if one[side][name] is not None:
                    rates.setdefault(name, []).append(float(one[side][name]))
        told[side] = {
            species: {"mean": float(np.mean(v)), "lowest": min(v), "highest": max(v)} for species, v in rates.items()
        }
    told["passed"] = sum(one["gate"]["result"] == "passed" for one in passes)
    told["passes"] = len(passes)
    told["seconds"] = round(sum(float(one["seconds"]) for one in passes), 1)
    return told


def as_markdown(result: Mapping[str, Any]) -> str:
    """The result as a page: rates over passes, then pass by pass the judging subjects.

    Splits are of few people, and name each; of drawn passes those are named for whom something changed.
    """
    splits = result.get("splits")
    summary = result["summary"]
    lines = [
        "# Adaptation on captures",
        "",
        f"Model {str(result['model'])[:12]}, {summary['passes']} passes, {summary['seconds']:.0f} s in all; the gate",
        f"let {summary['passed']} pass. Mean over passes (lowest to highest), in percent:",
        "",
        "| | before | threshold only | after |",
        "|---|---|---|---|",
    ]
    sides = ("before", "threshold_only", "after")
    named = {rate: None for side in sides for rate in summary[side]}
    for rate in sorted(named, key=lambda rate: rate not in _TITLES):
        told = [summary[side].get(rate) for side in sides]
        cells = ["" if t is None else f"{_pc(t['mean'])} ({_pc(t['lowest'])} to {_pc(t['highest'])})" for t in told]
        lines.append(f"| {_TITLES.get(rate, f'APCER {rate}')} | {' | '.join(cells)} |")
    for number, one in enumerate(splits or result["draws"], start=1):
        lines += ["", f"## Pass {number}", "", f"Adapted by {', '.join(one['adapting'])}.", ""]
        lines += _judging(one["subjects"]["before"], one["subjects"]["after"], every=splits is not None)
    return "\n".join(lines) + "\n"


def _judging(before: Mapping[str, Any], after: Mapping[str, Any], *, every: bool) -> list[str]:
    """Errors / trials of judging subjects, before -> after."""
    told = ["| judged | errors / trials, before -> after |", "|---|---|"]
    same = 0
    for subject, species in after.items():
        pairs = {kind: (_count(before[subject][kind]), _count(rate)) for kind, rate in species.items()}
        if every or any(was != now for was, now in pairs.values()):
            told.append(f"| {subject} | {'; '.join(f'{kind} {was} -> {now}' for kind, (was, now) in pairs.items())} |")
        else:
            same += 1
    return [*told, "", f"Nothing changed for {same} others."] if same else told


def _pc(rate: float) -> str:
    return f"{100.0 * rate:.1f}"


def _count(rate: Mapping[str, Any]) -> str:
    return f"{rate['errors']}/{rate['trials']}"
