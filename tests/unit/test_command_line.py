"""The command in a result is what a person types to repeat it."""

from pathlib import Path

from core.benchmark.command_line import command_line


def test_only_what_was_given_stands_in_the_command() -> None:
    told = command_line("P2", Path("here/P2.json"), domain=None, quick=False, seeds=(), draws=None)
    assert told == "main.py benchmark --scenes --protocol P2 --json P2.json"


def test_values_stand_as_they_are_typed_and_no_folder_is_told() -> None:
    told = command_line(
        "P2",
        Path("here/P2.json"),
        domain=Path("somewhere/alley.toml"),
        quick=True,
        seeds=(0, 1),
        targets=("desk",),
        draws=0,
    )
    assert told == (
        "main.py benchmark --scenes --protocol P2 --domain alley.toml --quick --seeds 0,1 --targets desk --draws 0"
        " --json P2.json"
    )
