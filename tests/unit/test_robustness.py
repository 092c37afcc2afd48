"""Planted conflicts, shares of flips and the red team, on networks whose answers are known or do not matter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from core.benchmark.robustness.conflict import Planted, plant, report_conflicts, shuffled
from core.benchmark.robustness.decisions import Cell, accepted, cells, clean_decisions, flipped, separation, table
from core.benchmark.robustness.material import Case, crops_of, draw_cases, exchanged
from core.benchmark.robustness.page import text
from core.benchmark.robustness.pgd import Threat, attacked
from core.benchmark.robustness.pixels import Pixels
from core.benchmark.robustness.redteam import SEARCHED, Find, chosen, recipes, search, write_recipes
from core.benchmark.robustness.run import PAGE_FILE, QUICK, RECIPES_FILE, SHEET_FILE, Budget, run
from core.benchmark.robustness.sheet import write_sheet
from core.codes import Species
from core.errors import CanceledError, InputError, UsageError
from core.explain import explain
from core.frames import ALL_MODALITIES, EVERY_MASK, FaceCrop, Modality, ModalityMask
from core.model.baseline import SheetScorer
from core.model.features import Features
from core.model.inputs import ModelInputs, stack
from core.model.manifest import Manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from core.model.scorer import NetworkScorer
from core.scenes import frozen
from core.scenes.domain import DOMAINS, Domain

torch.set_num_threads(1)
SMALL = NetworkConfig(widths=(4, 8, 8, 12), bottleneck=4, hidden=8)
COUNTER = DOMAINS["counter"].model_copy(update={"species": ("bona_fide", "print_flat", "replay_tablet")})


def quiet(_what: str, _share: float) -> None:
    """Nobody watches."""


def never() -> bool:
    return False


@cache
def scorer() -> NetworkScorer:
    """A network of random weights that may decide under every mask."""
    torch.manual_seed(8)
    manifest = Manifest(
        name="random",
        sha256="0" * 64,
        architecture=ARCHITECTURE,
        code_version="test",
        seed=8,
        created_utc="2026-01-01T00:00:00Z",
        data={},
        temperature={str(mask): 1.0 for mask in EVERY_MASK},
        thresholds={str(mask): 0.5 for mask in EVERY_MASK},
        withheld=[],
        threshold_source="test",
        figures={},
    )
    return NetworkScorer(PadNetwork(SMALL), manifest, torch.device("cpu"))


@cache
def cases() -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    bona_fide, attacks = draw_cases([COUNTER, DOMAINS["archive"]], 4, 6, quiet, never)
    return tuple(bona_fide), tuple(attacks)


@cache
def planted() -> tuple[Planted, ...]:
    return tuple(plant([COUNTER], 3, quiet, never))


def test_material_is_whole_and_takes_species_and_domains_in_turn() -> None:
    bona_fide, attacks = cases()
    assert {case.species for case in bona_fide} == {""}
    assert {case.domain for case in attacks} == {"counter", "archive"}
    assert len({case.species for case in attacks}) == 3 or "" not in {case.species for case in attacks}
    assert all(case.crop.mask == ALL_MODALITIES for case in (*bona_fide, *attacks))


def test_a_batch_becomes_its_crops_again() -> None:
    given = [case.crop.restricted(mask) for case, mask in zip(cases()[1], EVERY_MASK, strict=False)]
    for crop, again in zip(given, crops_of(stack(given)), strict=True):
        assert again.mask == crop.mask
        assert again.metric_depth == (crop.metric_depth and crop.depth is not None)
        assert scorer().score([again])[0].logit == scorer().score([crop])[0].logit


def test_a_stop_is_heard() -> None:
    with pytest.raises(CanceledError):
        draw_cases([COUNTER], 2, 2, quiet, lambda: True)
    with pytest.raises(CanceledError):
        search(lambda _crops: 0.0, COUNTER, Species.PRINT_FLAT, 3, 1, canceled=lambda: True)


@pytest.mark.parametrize("modality", Modality)
def test_a_planted_conflict_changes_that_modality_alone(modality: Modality) -> None:
    bona_fide, attacks = cases()
    crop, donor = bona_fide[0].crop, attacks[0].crop
    made = exchanged(crop, donor, modality)
    for name in ("rgb", "depth", "ir"):
        assert getattr(made, name) is getattr(donor if name == modality else crop, name)
    assert made.metric_depth == (donor if modality is Modality.DEPTH else crop).metric_depth


def test_an_explanation_asks_the_heads_and_encodes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encode, calls = PadNetwork.encode, []

    def counted(network: PadNetwork, inputs: ModelInputs) -> Features:
        calls.append(len(inputs.presence))
        return encode(network, inputs)

    monkeypatch.setattr(PadNetwork, "encode", counted)
    values = scorer().mask_logits(cases()[0][0].crop)
    assert calls == [1], "one crop is encoded once, for all eight masks"
    assert set(values) == set(EVERY_MASK)


@pytest.mark.parametrize("mask", EVERY_MASK, ids=str)
def test_contributions_sum_to_the_score_under_any_mask(mask: ModalityMask) -> None:
    crop = cases()[0][0].crop.restricted(mask)
    found = explain(scorer().mask_logits(crop))
    (evidence,) = scorer().score([crop])
    assert found.mask == mask
    assert found.base + sum(found.contributions.values()) == pytest.approx(evidence.logit, abs=1e-4)
    assert len(found.interactions) == len(mask) * (len(mask) - 1) // 2


def test_shuffled_weights_are_the_same_numbers_elsewhere_and_explain_otherwise() -> None:
    blind = shuffled(scorer())
    for (name, value), other in zip(scorer().network.named_parameters(), blind.network.parameters(), strict=True):
        assert torch.equal(value.flatten().sort().values, other.flatten().sort().values), name
    crop = cases()[0][0].crop
    own, changed = (explain(one.mask_logits(crop)).contributions for one in (scorer(), blind))
    assert any(abs(own[m] - changed[m]) > 1e-3 for m in Modality)


def test_conflicts_are_reported_with_their_controls() -> None:
    found = report_conflicts(scorer(), planted(), quiet, never)
    assert set(found["by_modality"]) == set(Modality)
    assert found["all"]["named"]["trials"] == 9
    assert found["largest_residue_logits"] < 1e-4
    assert 0.0 <= found["all"]["leader_kept_under_a_pixel"] <= 1.0
    assert found["all"]["named_with_shuffled_weights"]["trials"] == 9


def test_every_mask_every_modality_and_both_directions_are_asked() -> None:
    wanted = cells((2.0, 8.0))
    assert len(wanted) == len(set(wanted)) == (3 * 1 + 3 * 3 + 4) * (2 + 1)
    assert {cell.mask for cell in wanted} == set(EVERY_MASK)
    assert all(m in cell.mask for cell in wanted for m in cell.threat.modalities)


def unchanged(_network: PadNetwork, clean: Pixels, _threat: Threat, _seed: int) -> Pixels:
    """An attack that changes nothing."""
    return clean


def test_no_change_flips_nothing_and_only_right_decisions_count() -> None:
    bona_fide, attacks = cases()
    cell = Cell(ALL_MODALITIES, Threat((Modality.RGB,), 8.0))
    right = accepted(scorer(), stack([case.crop for case in attacks]), ALL_MODALITIES).count(False)
    assert flipped(scorer(), attacks, cell, unchanged) == [False] * right
    rows = table(scorer(), bona_fide, attacks, [cell], quiet, never, attack=unchanged)
    assert rows[0]["flipped"] is None or rows[0]["flipped"]["value"] == 0.0


def test_a_real_attack_is_counted_by_the_products_own_path() -> None:
    bona_fide, attacks = cases()
    wanted = [Cell(ALL_MODALITIES, Threat(tuple(Modality), 8.0, towards, 4)) for towards in (1, -1)]
    rows = table(scorer(), bona_fide, attacks, wanted, quiet, never, attack=attacked)
    assert [row["of"] for row in rows] == ["attack", "bona_fide"]
    assert all(row["flipped"] is None or 0 <= row["flipped"]["value"] <= 1 for row in rows)


def test_clean_decisions_and_separation_are_told() -> None:
    bona_fide, attacks = cases()
    found = clean_decisions(scorer(), bona_fide, attacks)
    assert set(found) == {str(mask) for mask in EVERY_MASK}
    assert found["rgb"]["bona_fide_not_accepted"]["trials"] == 4
    assert 0.0 <= separation(scorer(), bona_fide, attacks) <= 1.0


def near(crops: Sequence[FaceCrop]) -> float:
    """A judge that likes infrared dark: a slope that a search can climb."""
    assert crops[0].ir is not None
    return 0.2 - float(crops[0].ir.mean())


def test_a_point_narrows_the_domain_within_its_ranges() -> None:
    for point in (np.zeros(len(SEARCHED)), np.full(len(SEARCHED), 0.3), np.ones(len(SEARCHED))):
        made = chosen(COUNTER, point)
        assert Domain.model_validate(made.model_dump()) == made
        for name in SEARCHED:
            low, high = getattr(COUNTER, name)
            assert low <= getattr(made, name)[0] == getattr(made, name)[1] <= high


def test_a_search_climbs_and_its_recipe_renders_the_very_same_presentation(tmp_path: Path) -> None:
    one = search(near, COUNTER, Species.PRINT_FLAT, 1, 4)
    found = search(near, COUNTER, Species.PRINT_FLAT, 10, 4)
    assert found.recipe.margin > one.recipe.margin
    assert found.recipe.margin == pytest.approx(near(found.recipe.render().crops))
    path = tmp_path / "recipes.json"
    write_recipes(path, [found])
    (again,) = recipes(path)
    assert again == found.recipe
    for before, after in zip(found.recipe.render().crops, again.render().crops, strict=True):
        np.testing.assert_array_equal(before.rgb, after.rgb)
        np.testing.assert_array_equal(before.depth, after.depth)
    assert again.render().species == "print_flat"
    assert again.bona_fide().render().species == ""


@pytest.mark.parametrize(
    "content", ["", "{}", '{"schema": 9, "recipes": []}', '{"schema": 1, "recipes": [{"seed": 1}]}']
)
def test_recipes_of_another_kind_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json cannot be read"):
        recipes(path)


def test_the_sheet_shows_every_find(tmp_path: Path) -> None:
    found = search(near, COUNTER, Species.REPLAY_TABLET, 2, 6)
    bare = Find(found.recipe, found.crop.restricted(ModalityMask.parse("rgb")), False, 2)
    path = tmp_path / "finds.png"
    write_sheet(path, [found, bare, found, found])
    assert path.stat().st_size > 10_000


def test_the_whole_report_is_made_told_and_kept(tmp_path: Path) -> None:
    told: list[str] = []
    tiny = Budget("tiny", 2, (8.0,), (), 2, 1, 1, 1)
    found = run(scorer(), tiny, tmp_path / "out", lambda what, _share: told.append(what), never, shuffled(scorer()))
    json.dumps(found, allow_nan=False)
    assert found["scenes"]["name"] == frozen.NAME
    assert {row["changed"] for row in found["pgd"]["rows"]} == {"rgb", "depth", "ir", "rgb+depth+ir"}
    assert {"presentations to attack", "gradient attacks", "transferred attacks", "red team"} <= set(told)
    page = (tmp_path / "out" / PAGE_FILE).read_text(encoding="utf-8")
    assert page == text(found)
    assert "transferred" in page
    assert all(len({line.count("|") for line in block.splitlines()}) == 1 for block in tables_of(page))
    assert (tmp_path / "out" / SHEET_FILE).is_file()
    assert len(recipes(tmp_path / "out" / RECIPES_FILE)) == found["red_team"]["searches_that_passed"]["errors"]


def tables_of(page: str) -> list[str]:
    return [block for block in page.split("\n\n") if block.startswith("|")]


def test_a_model_without_a_network_cannot_be_attacked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no network"):
        run(SheetScorer(), QUICK, tmp_path, quiet, never)
