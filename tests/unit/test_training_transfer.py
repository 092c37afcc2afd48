"""What carries training to unseen cameras: hybrids, image chains, thresholds for the field, inputs written once."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.codes import Species
from core.errors import HostError
from core.frames import CROP_PX
from core.model.inputs import normalise, shrunk, to_tensors
from core.model.network import NetworkConfig, PadNetwork
from core.scenes.domain import DOMAINS
from core.training.augment import augment
from core.training.calibration import field_threshold, gains_by_covering
from core.training.depth_chain import vary_depth
from core.training.losses import source_loss
from core.training.prepared import Joined, open_prepared, write_prepared
from core.training.sampling import epoch_rows, thinned
from core.training.sites import TRAINING_SITES
from core.training.table import CropTable, LabelledCrops, write_table
from core.training.telling import HYBRIDS, telling_of, with_hybrids
from tests.unit.faces import head, sheet

SMALL = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8)


def _people(count: int) -> list[LabelledCrops]:
    return [LabelledCrops(f"p{i}", f"s{i}", "", "bench", (head(i), head(i + 100))) for i in range(count)]


@pytest.fixture
def table(tmp_path: Path) -> CropTable:
    attacks = [LabelledCrops(f"a{i}", f"t{i}", "print_bent", "bench", (sheet(i),)) for i in range(4)]
    return write_table(tmp_path / "table", with_hybrids([*_people(4), *attacks]), 40)


class TestHybrids:
    def test_every_person_brings_a_sheet_or_a_mask_in_turn(self) -> None:
        made = list(with_hybrids(_people(4)))
        assert [p.species for p in made[::2]] == [""] * 4
        assert sorted(p.species for p in made[1::2]) == sorted(HYBRIDS * 2)
        for person, hybrid in zip(made[::2], made[1::2], strict=True):
            same_depth = np.array_equal(person.crops[0].depth, hybrid.crops[0].depth)  # type: ignore[arg-type]
            assert same_depth == (hybrid.species == Species.HYBRID_MASK)

    def test_attacks_bring_none(self) -> None:
        attack = LabelledCrops("a", "t", "print_flat", "bench", (sheet(0),))
        assert [p.id for p in with_hybrids([attack])] == ["a"]

    def test_a_hybrid_tells_its_class_only_where_it_was_changed(self) -> None:
        sheets, masks, mannequin, print_bent = telling_of([*HYBRIDS, "mannequin", "print_bent"])
        assert sheets.tolist() == [0.0, 1.0, 0.0]
        assert masks.tolist() == [0.0, 0.0, 1.0]
        assert 0.0 < mannequin[1] < mannequin[0] == 1.0
        assert print_bent.tolist() == [1.0, 1.0, 1.0]

    def test_they_do_not_make_an_epoch_longer(self, table: CropTable) -> None:
        species = np.asarray(table.species)[table.owner[epoch_rows(table, 1, 0)]]
        assert (species == "").sum() == 4

    def test_where_a_hybrid_tells_nothing_it_costs_nothing(self) -> None:
        network = PadNetwork(SMALL).eval()
        depth_only = torch.tensor([[False, True, False]] * 2)
        with torch.no_grad():
            shown = network.from_features(network.encode(to_tensors([head(), sheet()])).restricted(depth_only))
            for species, matters in ((HYBRIDS[0], True), (HYBRIDS[1], False)):
                telling = torch.from_numpy(telling_of(["", species]))
                losses = [
                    float(source_loss(shown, shown, torch.tensor([True, label]), telling, 0.0).total)
                    for label in (True, False)
                ]
                assert (losses[0] != losses[1]) == matters


class TestPaths:
    def test_some_rows_lose_their_evidence_some_their_maps_and_none_both(self) -> None:
        network = PadNetwork(SMALL).eval()
        for parameter in network.encoders.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        features = network.encode(to_tensors([head(i) for i in range(24)]))
        thin = thinned(features, 0.3, 0.5, torch.Generator().manual_seed(0))
        evidence, maps = thin.evidence.any(dim=1), thin.maps.flatten(1).any(dim=1)
        assert 0 < int((~evidence).sum()) < 24
        assert 0 < int((~maps).sum()) < 24
        assert bool((evidence | maps).all())

    def test_learnt_features_cannot_outvote_plain_evidence(self) -> None:
        network = PadNetwork(SMALL).eval()
        with torch.no_grad():
            network.head.fused.out.bias.fill_(1000.0)
            network.head.fused.direct.weight.fill_(-1.0)
        inputs = to_tensors([head()])
        inputs.evidence.fill_(3.0)
        with torch.no_grad():
            assert float(network(inputs).fused) < 0.0


class TestDepthChain:
    def test_it_keeps_the_shape_and_never_invents_negative_depth(self) -> None:
        depth = head().depth
        assert depth is not None
        lost_scale = 0
        for seed in range(40):
            side = 40 if seed % 3 == 0 else None
            varied, metric = vary_depth(depth, True, side, np.random.default_rng(seed))
            assert varied.shape == (CROP_PX, CROP_PX)
            assert varied.dtype == np.float32
            assert np.isfinite(varied).all()
            assert (varied >= 0).all()
            assert metric or varied.max() <= 60_000
            lost_scale += not metric
        assert 5 < lost_scale < 30

    def test_relative_depth_stays_relative(self) -> None:
        depth = head().depth
        assert depth is not None
        assert not any(vary_depth(depth / 4.0, False, None, np.random.default_rng(seed))[1] for seed in range(5))

    def test_an_empty_picture_stays_empty(self) -> None:
        empty = np.zeros((CROP_PX, CROP_PX), np.float32)
        for seed in range(10):
            assert not vary_depth(empty, True, None, np.random.default_rng(seed))[0].any()


class TestFieldThreshold:
    def test_a_species_that_the_mask_cannot_tell_does_not_move_it(self) -> None:
        random = np.random.default_rng(0)
        person, print_, doll = random.normal(2, 0.5, 300), random.normal(-4, 1.0, 300), random.normal(2.2, 0.5, 300)
        species = np.array([""] * 300 + ["print_flat"] * 300 + ["mannequin"] * 300)
        plain = np.concatenate([person, print_, doll])
        with_doll = field_threshold(plain, plain - 0.3, species, 1.0)
        kept = species != "mannequin"
        assert with_doll == field_threshold(plain[kept], plain[kept] - 0.3, species[kept], 1.0)
        assert 1.0 / (1.0 + np.exp(-person.mean())) > with_doll

    def test_what_variation_does_to_people_lowers_it(self) -> None:
        random = np.random.default_rng(0)
        plain = np.concatenate([random.normal(3, 0.5, 300), random.normal(-5, 0.5, 300)])
        species = np.array([""] * 300 + ["print_flat"] * 300)
        assert field_threshold(plain, plain - 3.0, species, 1.0) < field_threshold(plain, plain, species, 1.0)

    def test_where_nothing_can_be_told_it_is_still_a_threshold(self) -> None:
        logits = np.random.default_rng(0).normal(size=200)
        assert 0.0 < field_threshold(logits, logits, np.array(["", "mannequin"] * 100), 1.0) < 1.0


class Killing:
    """Ends the process that receives it, as a kernel does that has no memory left."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (9,)


class TestPrepared:
    def test_what_two_processes_write_is_what_one_writes(self, tmp_path: Path, table: CropTable) -> None:
        for folder, processes in (("one", 1), ("two", 2)):
            write_prepared(tmp_path / folder, table, 24, [None, augment], lambda _: None, processes)
        one, two = open_prepared(tmp_path / "one"), open_prepared(tmp_path / "two")
        assert np.array_equal(one.images, two.images)
        assert np.array_equal(one.evidence, two.evidence)
        assert not np.array_equal(one.images[:, 0], one.images[:, 1])

    def test_a_process_that_dies_is_told_with_what_to_do(self, tmp_path: Path, table: CropTable) -> None:
        with pytest.raises(HostError, match="ended from outside"):
            write_prepared(tmp_path / "made", table, 24, [Killing()], lambda _: None, 2)  # type: ignore[list-item]

    def test_the_first_version_is_what_the_product_shows_its_network(self, tmp_path: Path, table: CropTable) -> None:
        write_prepared(tmp_path / "made", table, 24, [None], lambda _: None)
        rows = np.arange(4)
        read = Joined([open_prepared(tmp_path / "made")]).inputs(rows, np.zeros_like(rows))
        wanted = normalise(table.batch(rows))
        for ours, theirs in zip(read.images, wanted.images, strict=True):
            torch.testing.assert_close(ours, shrunk(theirs, 24), atol=2e-3, rtol=0.0)
        torch.testing.assert_close(read.evidence, wanted.evidence, atol=1e-3, rtol=0.0)

    def test_a_disk_without_room_is_named_before_anything_is_written(
        self, tmp_path: Path, table: CropTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 20))
        with pytest.raises(HostError, match="1 MiB are free"):
            write_prepared(tmp_path / "made", table, 24, [None], lambda _: None)
        assert not list((tmp_path / "made").iterdir())


def test_the_training_sites_are_wider_than_the_stations() -> None:
    for site in DOMAINS.values():
        wide = [made for made in TRAINING_SITES.values() if made.sensor == site.sensor]
        assert wide, site.sensor
        assert all(
            made.exposure[0] <= site.exposure[0] and made.exposure[1] >= site.exposure[1]
            and made.face_px[0] <= site.face_px[0]
            for made in wide
        )  # fmt: skip


def test_a_mask_is_withheld_only_where_covering_a_sensor_helps_an_attack() -> None:
    complete = {"print_flat": 0.0, "mask_rigid": 0.6}
    assert not gains_by_covering(complete, complete)
    assert not gains_by_covering({"print_flat": 0.3, "mask_rigid": 0.65}, complete)
    assert gains_by_covering({"print_flat": 0.7, "mask_rigid": 0.6}, complete)
    assert gains_by_covering({"print_flat": 0.0, "mask_rigid": 0.9}, complete)


def test_a_species_that_is_told_only_somewhat_does_not_refuse_a_fifth_of_all_people() -> None:
    random = np.random.default_rng(0)
    person, print_, resin = random.normal(2, 0.7, 300), random.normal(-6, 1.0, 300), random.normal(0.8, 0.7, 300)
    species = np.array([""] * 300 + ["print_flat"] * 300 + ["mask_rigid"] * 300)
    logits = np.concatenate([person, print_, resin])
    threshold = field_threshold(logits, logits, species, 1.0)
    assert (1.0 / (1.0 + np.exp(-person)) < threshold).mean() < 0.05
