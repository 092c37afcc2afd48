"""The report of an adaptation job as a document, worst species first. It shows no face and names no person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from pydantic import ValidationError

from core.adaptation.plan import Plan
from core.adaptation.report import Check
from core.adaptation.result import JobReport, MaskFigures
from core.adaptation.settings import GateSettings
from core.codes import Outcome
from core.errors import InputError, sentence
from core.frames import ModalityMask
from core.ports import JobRecord
from gui.documents.document import Document
from gui.documents.drawings import det_drawing, histogram_drawing
from gui.documents.report_words import (
    agreement_words,
    check_row,
    misplaced_words,
    number_words,
    rate_words,
    reason_lines,
    traffic_line,
)
from gui.i18n import codes, tr


def read_report(text: str) -> JobReport | None:
    """A job's report; ``None`` while there is none, or when another version of the program wrote it."""
    try:
        return JobReport.model_validate_json(text) if text else None
    except ValidationError:
        return None


def document_of(record: JobRecord) -> Document:
    """The job's report as a document.

    Raises:
        InputError: it has none that this version can read.
    """
    report = read_report(record.report)
    if report is None:
        raise InputError(
            sentence("The job {job} has no report that can be read.", job=record.id),
            "A report comes when the job has judged its candidate: see `main.py adapt status`.",
        )
    return _document(record, report)


def _document(record: JobRecord, report: JobReport) -> Document:
    reasons = reason_lines(report)
    plan = Plan.model_validate_json(record.plan)
    overall = report.overall
    body = [
        f"<h1>{_e(tr('Adaptation report'))}</h1>",
        f"<h2>{_e(codes.gate(report.gate.result))}</h2>",
        "<ul>" + "".join(f"<li>{_e(reason)}</li>" for reason in reasons) + "</ul>",
        _table((), _facts(record, report, plan)),
        f"<h2>{_e(tr('Species, the worst first'))}</h2>",
        _e(tr("Shares in percent with 95 % bounds (Clopper-Pearson); n = presentations of people who judge.")),
        _species(overall),
        '<p><img src="det" alt=""> <img src="scores" alt=""></p>',
        f"<h2>{_e(tr('Under every set of sensors'))}</h2>",
        _masks(report),
        f"<h2>{_e(tr('Checks of the gate'))}</h2>",
        _checks(check for finding in report.gate.masks for check in finding.checks),
        _traffic(report),
        f"<p>{_e(_kinds(plan))}</p>",
    ]
    pictures = {"det": det_drawing(overall.det), "scores": histogram_drawing(overall.histograms)}
    return Document(tr("Adaptation report"), "\n".join(body), pictures)


def _facts(record: JobRecord, report: JobReport, plan: Plan) -> list[tuple[str, str]]:
    uses = {"train": tr("adapt"), "calibrate": tr("calibrate"), "judge": tr("judge")}
    people = ", ".join(f"{uses.get(use, use)}: {n}" for use, n in report.subjects.items())
    facts = [
        (tr("Job"), record.id),
        (tr("When"), datetime.fromtimestamp(record.updated_utc_s).strftime("%Y-%m-%d %H:%M")),
        (tr("Champion"), f"{plan.champion_name} ({plan.champion[:12]})"),
        (tr("Candidate"), report.candidate[:12]),
        (tr("Plan"), f"{record.plan_sha256[:12]}, {tr('seed')} {plan.seed}"),
        (tr("Sessions"), str(len(plan.sessions))),
        (tr("People"), people),
        (tr("Steps"), f"{report.steps} ({tr('returned {n} times', n=report.returns)})"),
    ]
    margin = report.gate.settings.get("bpcer_margin")
    if margin is not None and margin != GateSettings().bpcer_margin:
        facts.append((tr("Margin of the BPCER"), f"{100 * margin:g}%"))
    if report.pseudo_labels:
        told = report.pseudo_labels
        kept = told.get("bona_fide", 0) + told.get("attack", 0)
        facts.append((tr("Without a label"), tr("{n} of {of} captures believed", n=kept, of=told.get("rows", 0))))
    if told_by := misplaced_words(report):
        facts.append((tr("Thresholds"), told_by))
    if report.second_labels is not None:
        facts.append((tr("Second labels"), agreement_words(report.second_labels)))
    return facts


def _species(figures: MaskFigures) -> str:
    blocks = (figures.before, figures.threshold_only, figures.after)
    names = {name for block in blocks for name in block.get("apcer", {})}
    after = figures.after.get("apcer", {})
    worst_first = sorted(names, key=lambda name: (-after.get(name, {}).get("value", 0.0), name))
    rows = [(tr("BPCER"), *(rate_words(block.get("bpcer")) for block in blocks))]
    rows += [
        (f"APCER, {codes.species(name)}", *(rate_words(block.get("apcer", {}).get(name)) for block in blocks))
        for name in worst_first
    ]
    rows.append((tr("AUC"), *(number_words(block.get("auc")) for block in blocks)))
    return _table((tr("Figure"), tr("Champion"), tr("Champion, new thresholds"), tr("Candidate")), rows)


def _masks(report: JobReport) -> str:
    rows = []
    for figures in report.by_mask:
        for name, block in ((tr("Champion"), figures.before), (tr("Candidate"), figures.after)):
            species = block.get("apcer", {})
            worst = max(species, key=lambda kind: species[kind]["value"], default="")
            told = f"{codes.species(worst)}: {rate_words(species[worst])}" if worst else ""
            mask = codes.mask(ModalityMask.parse(figures.mask))
            rows.append((mask, name, rate_words(block.get("bpcer")), told, number_words(block.get("auc"))))
    return _table((tr("Sensors"), tr("Model"), tr("BPCER"), tr("Worst species (APCER)"), tr("AUC")), rows)


def _checks(checks: Iterable[Check]) -> str:
    head = (
        tr("Holds"), tr("Check"), tr("Sensors"), tr("Species"), tr("Champion"), tr("Candidate"), tr("Difference"),
        tr("n"), tr("Subjects"),
    )  # fmt: skip
    return _table(head, map(check_row, checks))


def _traffic(report: JobReport) -> str:
    """Outcomes of both models on recorded traffic; presentations are not named."""
    found = report.traffic
    if found is None:
        return ""
    rows = [
        (codes.outcome(Outcome(before)), codes.outcome(Outcome(after)), str(count))
        for before, by_candidate in sorted(found.outcomes.items())
        for after, count in sorted(by_candidate.items())
    ]
    head = f"<h2>{_e(tr('Recorded traffic decided again'))}</h2><p>{_e(traffic_line(found))}</p>"
    return head + _table((tr("Champion"), tr("Candidate"), tr("n")), rows)


def _kinds(plan: Plan) -> str:
    kinds = ", ".join(plan.source_kinds)
    return tr("Captures: {kinds}. Hybrids are made from bona fide captures; they are no instruments.", kinds=kinds)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    told = "".join(f"<th>{_e(cell)}</th>" for cell in head)
    top = f"<tr>{told}</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{_e(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table border="1" cellspacing="0" cellpadding="4">{top}{body}</table>'


def _e(text: str) -> str:
    return escape(text)
