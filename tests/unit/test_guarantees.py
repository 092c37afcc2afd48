"""The checks of the guarantees on small made-up tables: what is planted is found, what is harmless passes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.benchmark.guarantees import check, reference, run
from core.benchmark.guarantees.difficulty import factor_findings, mean_of
from core.benchmark.guarantees.figures import Bounded, bounded, macro_hter, threshold_of
from core.benchmark.guarantees.finding import Finding
from core.benchmark.guarantees.joint import by_species, qualifies
from core.benchmark.guarantees.leaks import leak_findings
from core.benchmark.guarantees.metadata import CONTENT, METADATA, metadata_of
from core.benchmark.guarantees.missing import profile_findings
from core.benchmark.guarantees.plan import QUICK, Plan
from core.benchmark.guarantees.pseudo import findings_of, pseudo_labels
from core.benchmark.guarantees.relief import relief_findings
from core.benchmark.guarantees.study import Scored, Study
from core.benchmark.guarantees.tables import PLANES, Rows, make_rows, orders
from core.benchmark.work import Work
from core.errors import CanceledError, UsageError
from core.frames import CROP_PX, FaceCrop
from core.model.evidence import EVIDENCE
from core.scenes import frozen
from core.scenes.domain import Domain
from core.scenes.missing import Missingness

SIDE = 16
TINY = Plan(
    name="tiny", train=12, train_frames=1, dev=12, test=12, factor=8, frames=1, pixels=SIDE,
    widths=(4, 4, 8, 8), epochs=2, epochs_together=2, batch=8,
    seeds=(1,),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def made_up(count: int = 240, seed: int = 0, species: tuple[str, ...] = ("print_flat", "mask_rigid")) -> Rows:
    """A table in which nothing tells the label: 4 presentations of each of count / 4 people."""
    random = np.random.default_rng(seed)
    kinds = np.array(["" if i % 2 == 0 else species[i // 2 % len(species)] for i in range(count)])
    planes = random.normal(0, 1, (count, PLANES, SIDE, SIDE)).astype(np.float16)
    return Rows(
        planes=planes,
        evidence=random.normal(0, 1, (count, len(EVIDENCE))).astype(np.float32),
        presence=np.ones((count, 3), dtype=bool),
        sheet=random.normal(0, 1, count).astype(np.float32),
        owner=np.arange(count),
        subjects=np.array([f"s{i // 4}" for i in range(count)]),
        species=kinds,
        nuisance=random.normal(0, 1, (count, 5)).astype(np.float32),
        nuisance_names=("distance_mm", "yaw_deg", "exposure", "wall_mm", "face_px"),
        metadata=random.normal(0, 1, (count, len(METADATA))).astype(np.float32),
        content=random.normal(0, 1, (count, len(CONTENT))).astype(np.float32),
        causes=np.array([""] * count),
        lossy_planes=planes,
        lossy_presence=np.ones((count, 3), dtype=bool),
    )


def named(findings: list[Finding], name: str) -> Finding:
    """The finding whose name begins so."""
    (found,) = [finding for finding in findings if finding.name.startswith(name)]
    return found


def test_a_table_without_leaks_passes() -> None:
    findings = leak_findings("site", [made_up(1200)])
    assert [finding.holds for finding in findings] == [True, True]


def test_a_leak_in_the_circumstances_is_found_and_named() -> None:
    rows = made_up(1200)
    rows.nuisance[:, 2] += np.where(rows.bona_fide, 0.8, 0.0)
    finding = named(leak_findings("site", [rows]), "leak/circumstances")
    assert not finding.holds
    assert next(iter(finding.details["single"])) == "exposure"


def test_a_leak_in_the_metadata_is_found() -> None:
    rows = made_up(1200)
    rows.metadata[:, METADATA.index("jpeg_blockiness")] += np.where(rows.bona_fide, 0.0, 1.0)
    assert not named(leak_findings("site", [rows]), "leak/metadata").holds


def test_relief_that_gives_everything_away_fails() -> None:
    rows = made_up()
    rows.sheet[:] = np.where(rows.bona_fide, 3.0, -3.0)
    rows.evidence[:, 0] = np.where(rows.bona_fide, 2.0, -2.0)
    findings = relief_findings("site", rows, [rows])
    assert not named(findings, "relief/sheet_auc").holds
    assert not named(findings, "relief/physics_auc").holds
    assert named(findings, "relief/hidden_share").holds


def test_sheets_alone_hide_no_relief_unless_depth_is_blind() -> None:
    rows = made_up(species=("print_flat", "replay_phone"))
    assert not named(relief_findings("site", rows, [rows]), "relief/hidden_share").holds
    rows.presence[:, 1] = False
    assert named(relief_findings("site", rows, [rows]), "relief/hidden_share").holds


def _every_fourth(at: NDArray[np.intp]) -> float:
    return float((at % 4 == 0).mean())


def test_bounds_hold_the_figure_and_shrink_with_people() -> None:
    wide, narrow = (bounded(_every_fourth, np.array([str(i) for i in range(count)])) for count in (40, 800))
    assert wide.low <= wide.value <= wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_a_presentation_without_a_logit_is_refused() -> None:
    species = np.array(["", "", "print_flat", "print_flat"])
    assert macro_hter(np.array([2.0, np.nan, -1.0, np.nan]), species, 0.0) == pytest.approx(0.25)


def test_a_range_is_kept_by_value_or_by_bound() -> None:
    measured = Bounded(0.58, 0.54, 0.63)
    assert Finding(7, "leak", measured, (None, 0.6)).holds
    assert not Finding(7, "leak", measured, (None, 0.6), by_bound=True).holds
    nothing = Finding(1, "figure", Bounded(float("nan"), float("nan"), float("nan")), (None, None))
    assert not nothing.holds
    assert nothing.as_json()["value"] is None


def test_a_species_qualifies_only_where_no_single_modality_does_it() -> None:
    rows = made_up(400, species=("mask_flexible",))
    random = np.random.default_rng(5)
    alone = random.normal(0, 1, (400, 3))
    together = np.where(rows.bona_fide, 3.0, -3.0)
    assert qualifies(dict(by_species(rows, alone, together)["mask_flexible"]))
    alone[:, 2] = together
    assert not qualifies(dict(by_species(rows, alone, together)["mask_flexible"]))


def _scored(rows: Rows, alone: NDArray[np.float64]) -> Scored:
    return Scored(alone.mean(axis=1), alone, rows.species, rows.subjects)


def test_pseudo_labels_that_are_all_right_do_not_bite() -> None:
    rows = made_up()
    perfect = np.where(rows.bona_fide, 3.0, -3.0)[:, None].repeat(3, axis=1)
    labels = pseudo_labels(_scored(rows, perfect), _scored(rows, perfect))
    findings = findings_of(labels, {})
    assert not named(findings, "pseudo_label/wrong").holds
    assert not named(findings, "pseudo_label/confident").holds


def test_confident_errors_of_a_common_cause_are_seen() -> None:
    rows = made_up(800)
    random = np.random.default_rng(2)
    truth = np.where(rows.bona_fide, 3.0, -3.0)
    shifted = np.where(random.random(800) < 0.2, -truth, truth)
    dev = _scored(rows, truth[:, None].repeat(3, axis=1) + random.normal(0, 1, (800, 3)))
    findings = findings_of(pseudo_labels(dev, _scored(rows, shifted[:, None].repeat(3, axis=1))), {})
    assert all(finding.holds for finding in findings)


def test_profiles_must_couple_and_degrade() -> None:
    plain = profile_findings(Domain(name="site", missing=Missingness(depth=0.2, ir=0.2)))
    assert not named(plain, "missing/coupling").holds
    assert not named(plain, "missing/degraded").holds
    rich = profile_findings(Domain(name="site", missing=Missingness(depth=0.03, cover=0.15, sun=0.1, degraded=0.1)))
    assert all(finding.holds for finding in rich)


def test_metadata_sees_padding_and_the_grid_of_jpeg() -> None:
    random = np.random.default_rng(0)
    rgb = random.integers(80, 160, (CROP_PX, CROP_PX, 3)).astype(np.uint8)
    padded, blocky = rgb.copy(), rgb.copy()
    padded[:3] = 90
    blocky[:, 5::8] = np.minimum(blocky[:, 5::8].astype(int) + 60, 255).astype(np.uint8)
    figures = [dict(zip(METADATA, metadata_of(FaceCrop(rgb=image)), strict=True)) for image in (rgb, padded, blocky)]
    assert figures[0]["rgb_padding"] == 0 < figures[1]["rgb_padding"]
    assert figures[0]["jpeg_blockiness"] < figures[2]["jpeg_blockiness"]
    assert figures[0]["has_depth"] == 0


def test_the_reference_learns_what_is_planted_and_repeats_itself() -> None:
    rows = made_up(160)
    rows.planes[:, :3] += np.where(rows.bona_fide, 1.0, -1.0)[:, None, None, None].astype(np.float16)
    pool = reference.Pool.of([rows])
    logits = []
    for _ in range(2):
        network = reference.train(
            reference.new_reference(TINY, 1), pool, TINY, 8, 1, lambda _share: None, lambda: False
        )
        logits.append(reference.score(network, rows)[:, 0])
    assert np.array_equal(logits[0], logits[1])
    threshold = threshold_of(logits[0], rows.species)
    assert macro_hter(logits[0], rows.species, threshold) < 0.1


def test_training_stops_when_asked() -> None:
    pool = reference.Pool.of([made_up(48)])
    with pytest.raises(CanceledError):
        reference.train(reference.new_reference(TINY, 1), pool, TINY, 1, 1, lambda _share: None, lambda: True)


def test_a_mean_of_figures_has_tighter_bounds() -> None:
    one = Bounded(0.2, 0.1, 0.3)
    mean = mean_of([one, one, one, one])
    assert mean.value == pytest.approx(0.2)
    assert mean.high == pytest.approx(0.25)


def test_half_of_a_split_is_bona_fide_and_repeated_species_come_more_often() -> None:
    domain = Domain(name="site", species=("bona_fide", "print_flat", "mask_rigid", "mask_rigid"))
    kinds = [str(order.species) for order in orders(domain, "test", 120, 1)]
    assert kinds.count("") == 60
    assert kinds.count("mask_rigid") == 2 * kinds.count("print_flat")


def _study(tmp_path: Path, domains: dict[str, Domain]) -> Study:
    return Study(domains, TINY, Work(tmp_path), 1, lambda _what, _share: None, lambda: False)


def test_a_variant_that_changes_more_than_its_factor_does_not_hold(tmp_path: Path) -> None:
    base = Domain(name="base", people=4, species=("bona_fide", "print_flat", "mask_rigid"), face_px=(50.0, 60.0))
    study = _study(tmp_path, {"base": base})
    clean = base.model_copy(update={"name": "base-people", "melanin": (0.6, 1.0)})
    mixed = base.model_copy(update={"name": "base-site", "wall_mm": (900.0, 1000.0), "melanin": (0.6, 1.0)})
    findings = factor_findings(study, "base", {"people": clean, "site": mixed})
    assert named(findings, "one_factor_hter/people").holds
    assert not named(findings, "one_factor_hter/site").holds
    assert named(findings, "one_factor_hter/site").details["differs_also_in"] == ["melanin"]


def test_rendered_rows_are_kept_and_the_same_again(tmp_path: Path) -> None:
    domain = Domain(
        name="site", people=6, face_px=(50.0, 60.0), missing=Missingness(cover=0.5), species=("bona_fide", "print_bent")
    )
    work = Work(tmp_path)
    one, again = (make_rows(work, domain, "test", 12, 1, SIDE, 1, lambda _share: None, lambda: False) for _ in range(2))
    assert np.array_equal(one.planes, again.planes)
    assert len(list((tmp_path / "rows").glob("*.npz"))) == 1
    covered = one.causes == "cover"
    assert covered.any()
    assert not one.lossy_presence[covered][:, 1:].any()
    assert "distance_mm" in one.nuisance_names


def test_an_unseen_domain_must_not_take_a_frozen_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "{frozen.BASE}"\n', encoding="utf-8")
    with pytest.raises(UsageError):
        check([path], quick=True, work=tmp_path / "work")


def test_canceling_the_command_stops_it(tmp_path: Path) -> None:
    with pytest.raises(CanceledError):
        check(None, quick=True, canceled=lambda: True, work=tmp_path)


def test_the_sizes_have_identities() -> None:
    assert TINY.digest() != QUICK.digest()
    assert QUICK.model_copy(update={"seeds": (1, 2)}).digest() == QUICK.digest()


def test_a_domain_file_is_judged_by_what_makes_sense_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUICK", TINY)
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nsensor = "d455"\npeople = 6\nface_px = [50.0, 60.0]\n', encoding="utf-8")
    result = check([path], quick=True, work=tmp_path / "work", seeds=(5,))
    assert result["plan"]["seeds"] == [5]
    assert result["domains"] == ["mine"]
    assert [one["guarantee"] for one in result["guarantees"]] == [3, 6, 7]
    assert not result["holds"]
    coupling = next(finding for finding in result["findings"] if finding["name"] == "missing/coupling/mine")
    assert not coupling["holds"]
    json.dumps(result, allow_nan=False)


@pytest.mark.slow
def test_the_whole_command_measures_every_guarantee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUICK", TINY.model_copy(update={"train": 48, "dev": 48, "test": 48}))
    told: list[str] = []
    result = check(None, quick=True, report=lambda what, _share: told.append(what), work=tmp_path)
    assert [one["guarantee"] for one in result["guarantees"]] == [1, 2, 3, 4, 5, 6, 7]
    assert result["frozen"]
    assert any(what.startswith("rendering") for what in told)
    assert any(what.startswith("training") for what in told)
    json.dumps(result, allow_nan=False)
    told.clear()
    assert check(None, quick=True, work=tmp_path)["findings"] == result["findings"]
