"""`main.py labels`: labels that a second person gives without seeing the first, and how far the two agree."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from core.errors import ExitCode
from core.labelling.figures import LabellerFigures, SecondLabels
from core.results import write_json
from core.terminal import plain, say
from storage.blind_pictures import write_blind_pictures
from storage.catalogue import Catalogue
from storage.labels_said import species_said
from storage.repositories.second_labels import Contested, LabelStatus


def draw(catalogue: Catalogue, options: Namespace) -> int:
    """Draw what is to be labelled twice."""
    new = catalogue.second_labels.draw(1.0 if options.all else options.share)
    print(f"{new} more presentations are to be labelled a second time")
    return ExitCode.DONE


def next_one(catalogue: Catalogue, options: Namespace) -> int:
    """The pictures of the next presentation in a folder; prints its number."""
    task = catalogue.second_labels.next()
    if task is None:
        print("Nothing is left to label.")
        return ExitCode.DONE
    written = write_blind_pictures(catalogue, task.number, options.out)
    say(f"{len(written)} pictures in {options.out}; {task.left} to label, {task.given} given")
    print(task.number)
    return ExitCode.DONE


def give(catalogue: Catalogue, options: Namespace) -> int:
    """Store the label of a number."""
    catalogue.second_labels.give(options.number, species_said(options.label))
    return ExitCode.DONE


def status(catalogue: Catalogue, options: Namespace) -> int:
    """Agreement, whose labels were not borne out, and what is contested."""
    found = catalogue.second_labels.status()
    if options.json is not None:
        write_json(plain(found) | {"figures": found.figures.model_dump(), "labellers": _plain(found)}, options.json)
    if not found.accounts:
        print("No second labels: they come from another account, and this station has none.")
    print(f"{second_labels_line(found.figures)}; {found.drawn} drawn, {found.waiting} of them wait")
    if found.unattributed:
        print(f"{found.unattributed} first labels are of no account: a second label of the same person looks like two")
    for one in found.labellers:
        print(f"  {one.labeller or 'nobody known'}: {_labeller_line(one)}")
    for contested in found.contested:
        print(f"contested: {_contested_line(contested)}")
    return ExitCode.DONE


def second_labels_line(figures: SecondLabels) -> str:
    """The figures in one line."""
    if not figures.twice:
        return f"Labelled twice: 0 of {figures.labelled}"
    kappa = "not defined" if figures.kappa is None else f"{round(figures.kappa, 2) + 0.0:.2f}"  # never "-0.00"
    return (
        f"Labelled twice: {figures.twice} of {figures.labelled}, {figures.differed} of them differently "
        f"(Cohen's kappa {kappa}, n = {figures.twice}), {figures.contested} still contested and left out of plans"
    )


def _labeller_line(one: LabellerFigures) -> str:
    line = f"{one.labelled} labels, {one.twice} labelled twice"
    if one.flipped is None:
        return line
    rate = one.flipped
    return (
        f"{line}, {rate.errors} the other way ({rate.value:.1%}, 95 % bounds {rate.low:.1%} to {rate.high:.1%}), "
        f"{one.overruled} overruled"
    )


def _contested_line(one: Contested) -> str:
    voices = ", ".join(f"{who or 'nobody known'} {said or 'bona_fide'}" for who, said in one.voices.items())
    return f"{one.presentation} ({voices})"


def _plain(found: LabelStatus) -> list[object]:
    return [one.model_dump() for one in found.labellers]


LABEL_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "labels draw": draw,
    "labels next": next_one,
    "labels give": give,
    "labels status": status,
}
