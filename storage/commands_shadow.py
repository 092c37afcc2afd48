"""`main.py shadow start|stop|status`: a model beside the champion, and what it would have answered."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping

from core.codes import ModelRole
from core.errors import ExitCode
from core.terminal import plain
from storage.catalogue import Catalogue
from storage.registry import ModelRegistry


def start(catalogue: Catalogue, options: Namespace) -> int:
    """A running station takes it up by itself, without restarting."""
    record = ModelRegistry(catalogue).run_in_shadow(options.model)
    print(f"in shadow is now {record.name} {record.sha256}")
    return ExitCode.DONE


def stop(catalogue: Catalogue, options: Namespace) -> int:
    """What it answered is kept."""
    del options
    ModelRegistry(catalogue).end_shadow()
    print("nothing is in shadow now")
    return ExitCode.DONE


def status(catalogue: Catalogue, options: Namespace) -> int:
    """Its answers beside the champion's; of another model that ran in shadow where one is named."""
    registry = ModelRegistry(catalogue)
    sha256 = registry.resolve(options.model).sha256 if options.model else catalogue.models.alias(ModelRole.SHADOW)
    if not sha256:
        print("null" if options.json else "Nothing is in shadow. Begin with `main.py shadow start MODEL`.")
        return ExitCode.DONE
    found = catalogue.shadow_answers.figures(sha256)
    if options.json:
        told = {"schema": 1, **plain(found), "answers": found.answers, "otherwise": found.otherwise}
        print(json.dumps(told, indent=2))
        return ExitCode.DONE
    print(f"{sha256[:12]}: {found.answers} answers, {found.otherwise} otherwise than the champion")
    for said, others in found.outcomes.items():
        for other, count in others.items():
            print(f"  {said:<12} -> {other:<12} {count}")
    return ExitCode.DONE


SHADOW_COMMANDS: Mapping[str, Callable[[Catalogue, Namespace], int]] = {
    "shadow start": start,
    "shadow stop": stop,
    "shadow status": status,
}
