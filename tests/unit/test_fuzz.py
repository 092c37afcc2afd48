"""The fast part of `make fuzz`: seeds, what fuzzing once found, and a few hundred changes of each, always the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import KnownError
from tests.fuzz import TARGETS
from tests.fuzz.target import SEPARATOR, Loader, documented, mutate, parts

REGRESSIONS = Path(__file__).resolve().parents[1] / "fuzz" / "regressions"
PURE = [name for name, target in TARGETS.items() if not target.native]
EXAMPLES = {"import": 20, "backup": 20, "model": 30}
"""Loaders that write a database or build a network; the others get more."""


@cache
def seeds(name: str) -> Sequence[bytes]:
    return TARGETS[name].seeds()


@pytest.fixture(scope="module")
def loaders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loader]:
    return {name: TARGETS[name].prepare(tmp_path_factory.mktemp("fuzz")) for name in PURE}


@pytest.mark.parametrize("name", PURE)
def test_every_seed_is_loaded(loaders: dict[str, Loader], name: str) -> None:
    assert seeds(name)
    for seed in seeds(name):
        loaders[name](seed)


@pytest.mark.parametrize("name", PURE)
def test_damaged_input_fails_as_documented(loaders: dict[str, Loader], name: str) -> None:
    @settings(max_examples=EXAMPLES.get(name, 60), database=None)
    @given(st.integers(0, 2**32))
    def check(number: int) -> None:
        generator = random.Random(number)
        documented(loaders[name], mutate(generator.choice(seeds(name)), generator, seeds(name)))

    check()


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_is_a_known_error_or_none(loaders: dict[str, Loader], path: Path) -> None:
    documented(loaders[path.parent.name.replace("_", " ")], path.read_bytes())


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("collection plan", DEEP),
        ("domain", DEEP),
        ("domain", b"people = " + DEEP),
        ("domain", b'{"people": ' + b"9" * 5000 + b"}"),
        ("domain", b"people = " + b"9" * 5000),
        ("fault script", b"scene = " + DEEP),
        ("fault script", b"[[event]]\nat_s = " + b"9" * 5000),
        ("stored trace", DEEP),
        ("stored trace", b"{}"),
        ("backup", DEEP + SEPARATOR),
        ("backup", b"[]" + SEPARATOR),
        ("backup", b'{"files": {"a": 1}}' + SEPARATOR),
        ("backup", b'{"files": {"a\\u0000b": {"sha256": ""}}}' + SEPARATOR),
        ("backup", b'{"files": {"' + b"a" * 5000 + b'": {"sha256": ""}}}' + SEPARATOR),
        ("model", DEEP + SEPARATOR),
        ("image", b"\0\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\xff\xff\xfc\x5aIDAT" + bytes(99)),
    ],
)
def test_what_standard_parsers_let_escape_is_told_as_an_input_error(
    loaders: dict[str, Loader], name: str, data: bytes
) -> None:
    with pytest.raises(KnownError):
        loaders[name](data)


def test_settings_nested_too_deeply_do_not_prevent_a_start(loaders: dict[str, Loader]) -> None:
    loaders["settings"](DEEP)


def test_a_name_that_no_file_can_have_is_left_out_of_a_manifest(loaders: dict[str, Loader], tmp_path: Path) -> None:
    from core.data.manifest import COLUMNS, read_manifest

    (tmp_path / "m.csv").write_text(f"{','.join(COLUMNS)}\np,,,{'A' * 5000},,,,crop,\n", encoding="utf-8")
    assert len(read_manifest(tmp_path / "m.csv").left_out) == 1


def test_an_input_of_several_files_is_taken_apart() -> None:
    assert parts(b"a" + SEPARATOR + b"b" + SEPARATOR + b"c", 2) == [b"a", b"b" + SEPARATOR + b"c"]
    assert parts(b"a", 3) == [b"a", b"", b""]


def test_a_loader_that_fails_otherwise_is_found() -> None:
    def broken(data: bytes) -> None:
        raise KeyError(data)

    with pytest.raises(KeyError):
        documented(broken, b"")


def test_a_checkpoint_without_its_metadata_is_none(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from core.adaptation.checkpoint import read_checkpoint
    from core.model.checkpoint import CHECKPOINT_FILE

    save_file({"a": torch.zeros(1)}, tmp_path / CHECKPOINT_FILE)
    assert read_checkpoint(tmp_path, "0" * 64) is None
