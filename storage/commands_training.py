"""`main.py train`: a model from rendered or stored presentations, for a site's own use or as the factory's."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from core.errors import ExitCode, UsageError
from core.terminal import Interrupt, percentage
from storage.opening import folder_of


def train(options: Namespace) -> int:
    """Train in the data folder's ``training``, to ``--out`` or, with ``--factory``, to the factory's place.

    ``--shards`` names where the presentations lie; without it they are rendered here.

    Begun by ``torchrun --nproc-per-node N``, the processes share the work; the first one tells how it goes.
    """
    from core.model.share import joined
    from core.training.config import TrainConfig, factory_config
    from core.training.sources import with_shards
    from core.training.train import train, trust_factory
    from core.training.trainer import Progress

    work_dir = folder_of(options).root / "training"
    if options.shards and options.factory:
        raise UsageError("The factory model is made of rendered scenes.", "Give --out DIR instead of --factory.")
    if options.factory:
        config = factory_config(work_dir, options.out)
    elif options.out is None:
        raise UsageError("Where should the model go?", "Give --out DIR, or --factory for the factory's own place.")
    else:
        config = TrainConfig(work_dir=work_dir, out=options.out)
    given = {"seed": options.seed, "epochs": options.epochs, "device": options.device}
    config = config.changed({name: value for name, value in given.items() if value is not None})
    if options.presentations is not None:
        config = config.sized(options.presentations)
    if options.shards:
        config = with_shards(config, options.shards)
    show: dict[str, Callable[[float], None]] = {}
    with joined() as share, Interrupt() as canceled:

        def tell(step: Progress) -> None:
            if share.first:
                show.setdefault(step.phase, percentage(step.phase))(step.share)

        manifest = train(config, tell, canceled, share)
    if manifest is None:
        return ExitCode.DONE
    if options.factory and options.out is None:
        trust_factory(config.out)
    print(f"{manifest.name} {manifest.sha256} in {config.out}")
    return ExitCode.DONE
