"""The replay memory: rendered once, shared, made again where it is missing, damaged or of another champion."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from core.adaptation.early import Encoded
from core.adaptation.material import Sample
from core.adaptation.memory import PIECE, ReplayMemory, makers_digest
from core.frames import ALL_MODALITIES
from tests.unit.adaptation_site import simulate, tiny_network

CHAMPION = "c" * 64


class Renderer:
    """Counts what it is asked to render."""

    def __init__(self) -> None:
        self.asked: list[range] = []

    def __call__(self, domains: Sequence[str], numbers: range, seed: int) -> Iterator[Sample]:
        self.asked.append(numbers)
        return simulate(domains, numbers, seed)


@pytest.fixture
def renderer() -> Renderer:
    return Renderer()


def memory(folder: Path | None, renderer: Renderer, champion: str = CHAMPION) -> ReplayMemory:
    return ReplayMemory(folder, champion, tiny_network(), renderer, [])


def assert_same(found: list[Encoded], wanted: list[Encoded]) -> None:
    assert [(f.presentation, f.subject, f.species, f.crops, f.mask) for f in found] == [
        (w.presentation, w.subject, w.species, w.crops, w.mask) for w in wanted
    ]
    for ours, theirs in zip(found, wanted, strict=True):
        for name in ("maps", "presence", "quality", "evidence"):
            assert torch.equal(getattr(ours.early, name), getattr(theirs.early, name))


def test_what_was_rendered_once_is_read(tmp_path: Path, renderer: Renderer) -> None:
    count = PIECE + 3
    first = list(memory(tmp_path, renderer).samples(count, seed=5))
    assert [len(numbers) for numbers in renderer.asked] == [PIECE, 3]
    again = list(memory(tmp_path, renderer).samples(count, seed=5))
    assert len(renderer.asked) == 2, "nothing is rendered twice"
    assert_same(again, first)
    assert_same(list(memory(None, Renderer()).samples(count, seed=5)), first)
    assert first[0].mask == ALL_MODALITIES
    list(memory(tmp_path, renderer).samples(3, seed=6))
    list(memory(tmp_path, renderer).samples(3, seed=5, copies=1))
    assert len(renderer.asked) == 4, "another seed and other copies are other pieces"


def test_a_kill_costs_one_piece(tmp_path: Path, renderer: Renderer) -> None:
    samples = memory(tmp_path, renderer).samples(PIECE + 3, seed=5)
    next(samples)
    del samples
    list(memory(tmp_path, renderer).samples(PIECE + 3, seed=5))
    assert [numbers.start for numbers in renderer.asked] == [0, PIECE]


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "deleted"])
def test_a_spoiled_piece_is_made_again(
    tmp_path: Path, renderer: Renderer, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    wanted = list(memory(tmp_path, renderer).samples(3, seed=5))
    (piece,) = tmp_path.rglob("*.safetensors")
    content = bytearray(piece.read_bytes())
    content[-9] ^= 1
    piece.write_bytes({"flipped": bytes(content), "cut": bytes(content[:-20])}.get(damage, b""))
    if damage == "deleted":
        piece.unlink()
    with caplog.at_level(logging.WARNING):
        assert_same(list(memory(tmp_path, renderer).samples(3, seed=5)), wanted)
    assert ("made again" in caplog.text) is (damage != "deleted")
    assert len(renderer.asked) == 2
    list(memory(tmp_path, renderer).samples(3, seed=5))
    assert len(renderer.asked) == 2


def test_a_new_champion_forgets_the_old_one(tmp_path: Path, renderer: Renderer) -> None:
    list(memory(tmp_path, renderer).samples(3, seed=5))
    list(memory(tmp_path, renderer, "d" * 64).samples(3, seed=5))
    assert len(renderer.asked) == 2
    assert [folder.name for folder in tmp_path.iterdir()] == ["d" * 16]


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path, renderer: Renderer) -> None:
    (tmp_path / "file").write_text("")
    assert len(list(memory(tmp_path / "file" / "replay", renderer).samples(3, seed=5))) == 3


def test_the_program_is_part_of_the_name() -> None:
    assert len(makers_digest()) == 64
