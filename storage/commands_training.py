"""`main.py train`: a model from rendered presentations, for a site's own use or as the factory's."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from core.errors import ExitCode, UsageError
from core.terminal import Interrupt, percentage
from storage.opening import folder_of


def train(options: Namespace) -> int:
    """Train in the data folder's ``training``, to ``--out`` or, with ``--factory``, to the factory's place."""
    from core.training.config import TrainConfig, factory_config
    from core.training.train import train, trust_factory

    work_dir = folder_of(options).root / "training"
    if options.factory:
        config = factory_config(work_dir, options.out)
    elif options.out is None:
        raise UsageError("Where should the model go?", "Give --out DIR, or --factory for the factory's own place.")
    else:
        config = TrainConfig(work_dir=work_dir, out=options.out)
    given = {"seed": options.seed, "epochs": options.epochs}
    config = config.model_copy(update={name: value for name, value in given.items() if value is not None})
    if options.presentations is not None:
        config = config.sized(options.presentations)
    show: dict[str, Callable[[float], None]] = {}
    with Interrupt() as canceled:
        manifest = train(config, lambda step: show.setdefault(step.phase, percentage(step.phase))(step.share), canceled)
    if options.factory and options.out is None:
        trust_factory(config.out)
    print(f"{manifest.name} {manifest.sha256} in {config.out}")
    return ExitCode.DONE
