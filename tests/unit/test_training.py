"""Training: learns a handful by heart, goes on after a stop, stops on NaN, calibrates as its policy says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import main as program
from core.codes import Species
from core.errors import CanceledError, ExitCode, HostError, UsageError
from core.frames import ALL_MODALITIES, EVERY_MASK, ModalityMask
from core.model.bundle import FACTORY_BUNDLE, load_scorer, read_manifest
from core.model.inputs import stack
from core.model.network import NetworkConfig, PadNetwork
from core.model.share import Share
from core.model.trusted import FACTORY_SHA256
from core.scenes.artefacts import SIMULATED_SPECIES
from core.training.augment import augment
from core.training.calibration import calibrate, choose_threshold
from core.training.card import BEGIN, END, figures_text, write_figures
from core.training.config import SplitPlan, TrainConfig
from core.training.figures import by_mask, trials
from core.training.losses import source_loss
from core.training.prepared import Joined, open_prepared, write_prepared
from core.training.sampling import MaskSampler, epoch_rows
from core.training.scoring import pooled_logits
from core.training.shards import SPLITS
from core.training.simulation import recipes
from core.training.sites import SITES
from core.training.table import CropTable, LabelledCrops, digest_of, has_table, open_table, write_table
from core.training.train import train
from core.training.trainer import Progress, SourceTrainer
from main import main
from tests.unit.faces import head, sheet


def _presentations(count: int) -> list[LabelledCrops]:
    made = []
    for number in range(count):
        species = Species.PRINT_BENT if number % 2 else Species.BONA_FIDE
        make = sheet if number % 2 else head
        crops = (make(10 * number), make(10 * number + 1))
        made.append(LabelledCrops(f"p{number}", f"s{number // 2}", str(species), "bench", crops))
    return made


@pytest.fixture
def table(tmp_path: Path) -> CropTable:
    return write_table(tmp_path / "table", _presentations(8), 20)


def _config(folder: Path, **values: object) -> TrainConfig:
    return TrainConfig.model_validate(
        {"work_dir": folder / "work", "out": folder / "out", "batch": 8, "epochs": 2, **values}
    )


def _trainer(config: TrainConfig, table: CropTable) -> SourceTrainer:
    folder = table.folder / "inputs"
    if not folder.is_dir():
        write_prepared(folder, table, config.pixels, [augment] * config.versions, lambda _: None)
    return SourceTrainer(config, table, Joined([open_prepared(folder)]), config.network)


def _silent(_: Progress) -> None:
    pass


class Cut(BaseException):
    """The process ends here."""


def _cut_before_rename(number: int, trainer: SourceTrainer, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run to the end, or until a file would be renamed for the ``number``-th time; whether it came to that."""
    left, rename = iter(range(number)), Path.replace

    def replaced(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise Cut
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replaced)
        try:
            trainer.run(_silent, lambda: False)
        except Cut:
            return True
    return False


def _same_weights(one: PadNetwork, other: PadNetwork) -> None:
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_a_device_that_is_not_there_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="'cuda:99' cannot be used") as told:
        train(_config(tmp_path, device="cuda:99"), _silent, lambda: False)
    assert "`cpu` or `auto`" in told.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_several_processes_on_one_gpu_by_its_number_are_refused_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2 processes would all train on cuda:0") as told:
        train(_config(tmp_path, device="cuda:0"), _silent, lambda: False, Share(1, 2))
    assert "`--device cuda`" in told.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", ["-1", "1000000000", "1.5", ""])
@pytest.mark.parametrize(
    "command", ["train --out x", "shards scenes --out x", "scenes --out x --species bona_fide --n 1"]
)
def test_a_seed_that_generators_refuse_is_told_before_anything_is_rendered(
    command: str, seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as told:
        program.main([*command.split(), f"--seed={seed}", "--data", str(tmp_path)])
    assert told.value.code == ExitCode.USAGE
    assert "is not a whole number from 0 to 999999999" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


class TestTable:
    def test_crops_come_back_as_they_were(self, table: CropTable) -> None:
        again = open_table(Path(str(table.rgb.filename)).parent)  # type: ignore[attr-defined]
        batch = again.batch([2, 3])
        wanted = stack(_presentations(2)[1].crops)
        assert np.array_equal(batch.rgb, wanted.rgb)
        assert np.array_equal(batch.depth, wanted.depth)
        assert np.allclose(batch.ir, wanted.ir, atol=1e-3)
        assert again.species[:2] == ("", "print_bent")
        assert digest_of(again) == digest_of(table)

    def test_a_table_that_was_cut_off_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="more than 3 crops"):
            write_table(tmp_path / "short", _presentations(4), 3)
        assert not has_table(tmp_path / "short")

    def test_what_a_run_that_was_cut_off_left_is_no_lack_of_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is written over: whoever starts again after a stop needs no more room than at first."""
        room = [1 << 40, 0]
        monkeypatch.setattr(
            "shutil.disk_usage", lambda folder: SimpleNamespace(free=room[any(Path(folder).glob("*.npy"))])
        )
        with pytest.raises(ValueError, match="more than 3 crops"):
            write_table(tmp_path / "short", _presentations(4), 3)
        assert len(write_table(tmp_path / "short", _presentations(4), 8)) == 8


class TestAugmentation:
    def test_it_keeps_presence_types_and_finiteness(self) -> None:
        batch = stack([head(), sheet(), head().restricted(ModalityMask.parse("ir"))])
        changed = augment(batch, np.random.default_rng(0))
        assert np.array_equal(changed.presence, batch.presence)
        for name in ("rgb", "depth", "ir", "face_mm"):
            before, after = getattr(batch, name), getattr(changed, name)
            assert after.dtype == before.dtype
            assert after.shape == before.shape
            assert np.isfinite(after).all()
        assert (changed.depth >= 0).all()

    def test_geometry_is_shared_by_the_modalities(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("core.training.augment._patch_out", lambda image, *_: image)
        monkeypatch.setattr("core.training.augment._cut_out", lambda *_: None)
        monkeypatch.setattr("core.training.augment.vary_depth", lambda depth, *_: (depth, False))
        monkeypatch.setattr("core.training.augment._infrared", lambda image, _: image)
        monkeypatch.setattr("core.training.augment._rgb", lambda image, _: image)
        crop = head()
        assert crop.depth is not None
        spot = np.zeros((96, 96), np.float32)
        spot[60:72, 20:32] = 1.0
        marked = replace(
            crop,
            rgb=np.repeat((spot * 255).astype(np.uint8)[..., None], 3, axis=2),
            depth=np.where(spot > 0, 600.0, 900.0).astype(np.float32),
            ir=np.maximum(spot, 0.01),
            metric_depth=False,
        )
        for seed in range(6):
            changed = augment(stack([marked]), np.random.default_rng(seed))
            near = (changed.depth[0] > 0) & (changed.depth[0] < np.median(changed.depth[0]) * 0.85)
            bright = changed.ir[0] > 0.5 * changed.ir[0].max()
            lit = changed.rgb[0].mean(axis=2) > 0.5 * changed.rgb[0].max()
            centres = [np.argwhere(found).mean(axis=0) for found in (near, bright, lit) if found.any()]
            assert np.ptp(centres, axis=0).max() < 12.0


class TestSampling:
    def test_an_epoch_is_half_bona_fide_and_the_species_count_alike(self, tmp_path: Path) -> None:
        made = _presentations(8)
        made += [replace(made[1], id=f"x{i}", species="mask_rigid") for i in range(12)]
        table = write_table(tmp_path / "t", made, 60)
        species = np.asarray(table.species)[table.owner[epoch_rows(table, 1, 0)]]
        assert (species == "").mean() == pytest.approx(0.5, abs=0.05)
        assert (species == "mask_rigid").sum() == (species == "print_bent").sum()

    def test_the_same_epoch_has_the_same_order(self, table: CropTable) -> None:
        assert np.array_equal(epoch_rows(table, 3, 1), epoch_rows(table, 3, 1))
        assert not np.array_equal(epoch_rows(table, 3, 1), epoch_rows(table, 3, 2))

    def test_hard_masks_are_drawn_more_often(self) -> None:
        sampler = MaskSampler()
        for _ in range(200):
            sampler.update(torch.arange(6), torch.tensor([2.0, 0.1, 0.1, 0.1, 0.1, 0.1]))
        _, chosen = sampler.draw(3000, torch.Generator().manual_seed(0))
        assert (chosen == 0).float().mean() > 0.5


class TestTrainer:
    @pytest.mark.slow
    def test_a_handful_of_presentations_is_learnt_by_heart_under_every_mask(
        self, tmp_path: Path, table: CropTable
    ) -> None:
        network = _trainer(_config(tmp_path, epochs=70, learning_rate=4e-3), table).run(_silent, lambda: False)
        logits = pooled_logits(network, table, lambda _: None)
        for mask in EVERY_MASK:
            if str(mask) != "rgb":
                assert logits[mask][table.bona_fide].min() > logits[mask][~table.bona_fide].max(), str(mask)

    def test_the_loss_falls(self, tmp_path: Path, table: CropTable) -> None:
        losses: list[float] = []
        _trainer(_config(tmp_path, epochs=8), table).run(
            lambda progress: losses.append(progress.values["fused"]), lambda: False
        )
        assert losses[-1] < losses[0]

    def test_it_goes_on_from_the_last_whole_epoch_and_ends_where_it_would_have(
        self, tmp_path: Path, table: CropTable
    ) -> None:
        whole = _trainer(_config(tmp_path / "a", epochs=2), table).run(_silent, lambda: False)
        steps = iter(range(100))
        with pytest.raises(CanceledError):
            _trainer(_config(tmp_path / "b", epochs=2), table).run(_silent, lambda: next(steps) >= 1)
        resumed = _trainer(_config(tmp_path / "b", epochs=2), table)
        again = resumed.run(_silent, lambda: False)
        assert resumed.epochs_done == 2
        _same_weights(again, whole)

    def test_cut_at_any_rename_it_ends_where_it_would_have(
        self, tmp_path: Path, table: CropTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = _trainer(_config(tmp_path / "whole"), table).run(_silent, lambda: False)
        cuts = 0
        while _cut_before_rename(cuts, _trainer(_config(tmp_path / str(cuts)), table), monkeypatch):
            _same_weights(_trainer(_config(tmp_path / str(cuts)), table).run(_silent, lambda: False), whole)
            cuts += 1
        assert cuts >= 2, "every epoch ends with a rename"

    @pytest.mark.parametrize("kept", [0, 100])
    def test_a_checkpoint_that_cannot_be_read_counts_as_none(
        self, tmp_path: Path, table: CropTable, caplog: pytest.LogCaptureFixture, kept: int
    ) -> None:
        whole = _trainer(_config(tmp_path), table).run(_silent, lambda: False)
        for path in (tmp_path / "work").iterdir():
            path.write_bytes(path.read_bytes()[:kept])
        again = _trainer(_config(tmp_path), table)
        _same_weights(again.run(_silent, lambda: False), whole)
        assert "damaged, training begins anew" in caplog.text

    def test_a_checkpoint_of_another_network_is_not_continued(self, tmp_path: Path, table: CropTable) -> None:
        config = _config(tmp_path, epochs=1)
        _trainer(config, table).run(_silent, lambda: False)
        small = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8, pixels=config.pixels)
        prepared = Joined([open_prepared(table.folder / "inputs")])
        epochs: list[float] = []
        SourceTrainer(config, table, prepared, small).run(lambda step: epochs.append(step.share), lambda: False)
        assert epochs == [1.0]

    def test_a_checkpoint_that_cannot_be_written_stops_with_what_to_do(self, tmp_path: Path, table: CropTable) -> None:
        (tmp_path / "work").touch()
        with pytest.raises(HostError, match="Cannot write the checkpoint") as told:
            _trainer(_config(tmp_path), table).run(_silent, lambda: False)
        assert "Make room" in told.value.remedy

    def test_a_loss_that_is_not_finite_stops_with_a_name(
        self, tmp_path: Path, table: CropTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: object) -> object:
            parts = source_loss(*args)  # type: ignore[arg-type]
            return replace(parts, total=parts.total * torch.nan)

        monkeypatch.setattr("core.training.trainer.source_loss", broken)
        with pytest.raises(HostError, match="loss is not finite"):
            _trainer(_config(tmp_path), table).run(_silent, lambda: False)


class TestCalibration:
    def test_the_threshold_balances_the_mean_over_species_against_bona_fide(self) -> None:
        random = np.random.default_rng(0)
        bona_fide = random.normal(2.0, 1.0, 400)
        attacks = {"easy": random.normal(-4.0, 1.0, 300), "hard": random.normal(1.0, 1.0, 40)}
        threshold = choose_threshold(bona_fide, attacks)
        macro_apcer = float(np.mean([(scores >= threshold).mean() for scores in attacks.values()]))
        bpcer = float((bona_fide < threshold).mean())
        assert macro_apcer == pytest.approx(bpcer, abs=0.02)

    def test_a_species_that_nothing_separates_does_not_refuse_everybody(self) -> None:
        random = np.random.default_rng(0)
        bona_fide = random.normal(2.0, 1.0, 400)
        attacks = {f"easy{i}": random.normal(-4.0, 1.0, 50) for i in range(5)}
        threshold = choose_threshold(bona_fide, {**attacks, "hopeless": random.normal(2.0, 1.0, 50)})
        assert (bona_fide < threshold).mean() < 0.2

    def test_classes_that_do_not_overlap_are_parted_in_the_middle(self) -> None:
        assert choose_threshold(np.array([2.0, 3.0]), {"a": np.array([-4.0, -2.0])}) == pytest.approx(0.0)

    def test_temperature_does_not_change_who_is_accepted(self) -> None:
        random = np.random.default_rng(1)
        logits = np.concatenate([random.normal(6.0, 2.0, 200), random.normal(-6.0, 2.0, 200)])
        species = np.array([""] * 200 + ["print_flat"] * 200)
        found = calibrate(logits, species)
        scores = 1.0 / (1.0 + np.exp(-logits / found.temperature))
        assert ((scores >= found.threshold) == (species == "")).mean() > 0.98


class TestFigures:
    def test_a_presentation_is_judged_under_the_largest_mask_that_it_has(self, tmp_path: Path) -> None:
        without_depth = tuple(crop.restricted(ModalityMask.parse("rgb+ir")) for crop in (head(0), head(1)))
        made = [*_presentations(3), LabelledCrops("q", "s9", "", "bench", without_depth)]
        table = write_table(tmp_path / "t", made, 10)
        logits = pooled_logits(PadNetwork(), table, lambda _: None)
        found = trials(table, logits, np.ones(4, bool), lambda mask: 0.5)
        assert [trial.mask for trial in found] == [ALL_MODALITIES] * 3 + [ModalityMask.parse("rgb+ir")]
        blocks = by_mask(table, logits, lambda mask: 0.5, "test")
        assert blocks["depth"]["bpcer"]["trials"] == 2
        assert blocks["ir"]["bpcer"]["trials"] == 3


class TestRecipes:
    def test_splits_share_nobody_and_half_is_bona_fide(self) -> None:
        splits = [recipes(("counter", "live:booth/d435"), 48, 2, 1, split, True) for split in range(3)]
        people = [{(r.domain, r.seed + r.index) for r in split} for split in splits]
        assert not people[0] & people[1]
        assert not people[1] & people[2]
        assert sum(r.species == Species.BONA_FIDE for r in splits[0]) == 48
        assert len({r.species for r in splits[0]}) == 1 + len(SIMULATED_SPECIES)

    @pytest.mark.parametrize("domain", ["moon", "live:booth/relative", "live:moon/d435"])
    def test_an_unknown_domain_is_named(self, domain: str) -> None:
        with pytest.raises(UsageError, match=domain):
            recipes((domain,), 2, 1, 1, 0, False)

    @pytest.mark.parametrize("given", [["--epochs", "501"], ["--presentations", "4001"]])
    def test_a_setting_out_of_its_range_is_told_before_anything_is_rendered(
        self, tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        begun = ["train", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), *given]
        assert main(begun) == 2
        assert given[1] in capsys.readouterr().err
        assert not (tmp_path / "data" / "training").exists()

    def test_every_setting_is_part_of_the_runs_identity(self, tmp_path: Path) -> None:
        one, other = _config(tmp_path), _config(tmp_path, learning_rate=1e-3)
        assert one.digest() != other.digest()
        assert one.table_digest("train") == other.table_digest("train")
        small = _config(tmp_path, dev=SplitPlan(per_domain=4, per_live_domain=0, frames=1))
        assert small.table_digest("dev") != one.table_digest("dev")

    def test_an_edited_site_is_part_of_the_runs_identity(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = _config(tmp_path)
        before = config.digest()
        site = SITES[config.domains[0]]
        monkeypatch.setitem(SITES, config.domains[0], site.model_copy(update={"blind_share": 0.9}))
        assert config.digest() != before


class TestTrain:
    @pytest.mark.slow
    def test_a_small_run_gives_a_bundle_that_loads_with_its_figures(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where the bundle is to replace the factory's, whose digests are not yet those of this program."""
        plan = {"per_domain": 8, "per_live_domain": 0, "frames": 1}
        config = _config(
            tmp_path, domains=["counter"], live_domains=[], train=plan, dev=plan, test=plan, epochs=1, processes=1
        )
        phases: list[str] = []
        with monkeypatch.context() as patched:
            patched.setattr("core.model.manifest.FACTORY_BUNDLE", config.out)
            manifest = train(config, lambda progress: phases.append(progress.phase), lambda: False)
        assert manifest is not None
        scenes = [f"scenes ({split})" for split in ("train", "dev", "test")]
        assert list(dict.fromkeys(phases)) == [*scenes, "inputs", "training", "calibration", "figures"]
        scorer = load_scorer(config.out)
        assert scorer.sha256 == manifest.sha256
        assert set(manifest.temperature) == {str(mask) for mask in EVERY_MASK}
        assert manifest.figures["test"]["presentations"] == 8
        assert manifest.data["splits"]["train"]["presentations"] == 12, "every bona fide brings a hybrid"
        text = figures_text(manifest)
        assert manifest.sha256 in text
        assert "| rgb+depth+ir |" in text

    @pytest.mark.parametrize("phase", ["calibration", "figures"])
    def test_a_stop_is_heard_after_training_too_and_nothing_is_trained_again(self, tmp_path: Path, phase: str) -> None:
        config = _config(tmp_path, epochs=1, versions=1, processes=1, batch=4)
        for split in SPLITS:
            count = 40 if split == "test" else 8  # more than what is scored before the first word of it
            write_table(config.work_dir / f"{split}-{config.table_digest(split)[:16]}", _presentations(count), 80)
        told: list[str] = []

        def tell(progress: Progress) -> None:
            told.append(progress.phase)

        with pytest.raises(CanceledError, match="Training was stopped"):
            train(config, tell, lambda: phase in told)
        assert told[-1] == phase
        assert not config.out.exists()
        told.clear()
        made = train(config, tell, lambda: False)
        assert made is not None
        assert set(told) == {"calibration", "figures"}
        assert load_scorer(config.out, "cpu").sha256 == made.sha256


class TestCard:
    def test_figures_replace_what_stood_between_the_marks(self, tmp_path: Path) -> None:
        card = tmp_path / "card.md"
        card.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
        write_figures(card, read_manifest(FACTORY_BUNDLE))
        text = card.read_text()
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "stale" not in text
        assert FACTORY_SHA256 in text

    def test_a_card_without_a_place_for_figures_is_refused(self, tmp_path: Path) -> None:
        card = tmp_path / "card.md"
        card.write_text("nothing here")
        with pytest.raises(HostError, match="no place for figures"):
            write_figures(card, read_manifest(FACTORY_BUNDLE))

    def test_the_committed_card_describes_the_committed_model(self) -> None:
        card = Path(__file__).parents[2] / "docs" / "model-card.md"
        assert figures_text(read_manifest(FACTORY_BUNDLE)) in card.read_text(encoding="utf-8")
