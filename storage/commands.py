"""The commands that work in the data folder, by name; each module of storage has its own and says what they print.

`of_catalogue` opens the catalogue for those that need nothing else. A command that opens it itself, or not at all,
stands here as it is.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from core.errors import ExitCode
from core.terminal import say
from storage import commands_jobs as jobs
from storage import commands_models as models
from storage.catalogue import Catalogue
from storage.commands_audit import AUDIT_COMMANDS
from storage.commands_door import DOOR_COMMANDS
from storage.commands_erasure import erase_subject
from storage.commands_keys import KEY_COMMANDS
from storage.commands_labels import LABEL_COMMANDS
from storage.commands_lanes import LANE_COMMANDS
from storage.commands_policy import POLICY_COMMANDS
from storage.commands_qualification import QUALIFICATION_COMMANDS
from storage.commands_retention import retention, retention_by_itself
from storage.commands_sessions import SESSION_COMMANDS
from storage.commands_shadow import SHADOW_COMMANDS
from storage.commands_shards import SHARD_COMMANDS
from storage.commands_shift_check import SHIFT_COMMANDS
from storage.commands_training import train
from storage.opening import folder_of, load_model, opened
from storage.people_actions import PEOPLE_COMMANDS
from storage.people_commands import log_in

OfCatalogue = Callable[[Catalogue, Namespace], int]


def of_catalogue(command: OfCatalogue) -> Callable[[Namespace], int]:
    """``command`` with the catalogue opened for it."""

    def run(options: Namespace) -> int:
        with opened(options) as (catalogue, _):
            return command(catalogue, options)

    return run


def replay(options: Namespace) -> int:
    """`main.py replay [--explain]`: on one thread, so that sums come in the same order again."""
    from core.processes import compute_with_one_thread
    from storage.commands_replay import explain, replay

    compute_with_one_thread()
    with opened(options) as (catalogue, registry):
        return (explain if options.explain else replay)(catalogue, options, lambda name: load_model(name, registry))


def retain(options: Namespace) -> int:
    """`main.py retention`: with `--due` it is the station's own, for which nobody logs in."""
    return retention_by_itself(options) if options.due else of_catalogue(retention)(options)


def restore(options: Namespace) -> int:
    """`main.py restore`: a backup becomes this data folder; what cannot be read without its keys is told."""
    from storage.backup import restore

    report = restore(options.backup, folder_of(options), lambda catalogue: log_in(catalogue, options))
    print(report)
    if report.without_key:
        say(
            f"Backups hold no keys: the frames of {report.without_key} sessions cannot be read here.",
            "Bring in an export of the keys: `main.py keys import --from FILE`.",
        )
    return ExitCode.DONE


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "replay": replay,
    "restore": restore,
    "retention": retain,
    "adapt run": jobs.run,
    "adapt resume": jobs.run,
    "train": train,
    **SHARD_COMMANDS,
    "evaluate": models.evaluate,
    "benchmark": models.benchmark,
    **{
        name: of_catalogue(command)
        for name, command in {
            **SESSION_COMMANDS,
            **jobs.JOB_COMMANDS,
            **QUALIFICATION_COMMANDS,
            **LABEL_COMMANDS,
            **LANE_COMMANDS,
            **SHADOW_COMMANDS,
            **SHIFT_COMMANDS,
            **KEY_COMMANDS,
            **DOOR_COMMANDS,
            **AUDIT_COMMANDS,
            **POLICY_COMMANDS,
            **PEOPLE_COMMANDS,
            "models": models.list_models,
            "promote": models.promote,
            "rollback": models.rollback,
            "erase": erase_subject,
        }.items()
    },
}
