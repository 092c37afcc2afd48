from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.benchmark import changes
from core.benchmark.command import plan, run
from core.benchmark.inputs import prepare
from core.benchmark.protocols import FAMILIES, splits
from core.benchmark.scenes import frozen_domains
from core.benchmark.study import load_answers
from core.benchmark.tables import SPLITS, orders, require_disjoint, split_seed
from core.benchmark.work import Work
from core.errors import CanceledError, UsageError
from core.scenes.artefacts import SIMULATED_SPECIES
from core.scenes.domain import Domain
from core.training.table import CropTable, open_table
from main import main
from tests.unit.study_bench import TINY, draw_tables, order

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ("macro_hter", "auc", "bpcer", "apcer_max", "ece", "aurc")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def silent(what: str, share: float) -> None:
    assert what
    assert 0.0 <= share <= 1.0


def never() -> bool:
    return False


def figures_of(result: dict[str, Any]) -> list[tuple[float, ...]]:
    columns = result["cells"]["columns"]
    return [tuple(row[columns.index(name)] for name in FIGURES) for row in result["cells"]["rows"]]


def journal(work: Work) -> list[str]:
    lines = (work.root / "pieces.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["piece"] for line in lines]


def after(calls: int) -> Callable[[], bool]:
    left = [calls]

    def canceled() -> bool:
        left[0] -= 1
        return left[0] < 0

    return canceled


def test_a_run_that_was_stopped_goes_on_and_ends_alike(tmp_path: Path) -> None:
    whole, parts = order(tmp_path / "whole"), order(tmp_path / "parts")
    for one in (whole, parts):
        draw_tables(one)
    expected = run(whole, silent, never)
    found, stops = None, 0
    while found is None:
        try:
            found = run(parts, silent, after(2 + 2 * stops))
        except CanceledError:
            stops += 1
    assert stops >= 3
    assert figures_of(found) == figures_of(expected)
    assert found["summary"] == expected["summary"]
    _, work = plan(parts)
    kept = [piece for piece in journal(work) if not piece.startswith("spent/")]
    assert len(kept) == len(set(kept)), "a finished piece was made again"
    assert not list(work.root.glob("maps/*"))


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    wanted = order(tmp_path)
    draw_tables(wanted)
    cells, work = plan(wanted)
    program = (
        "from pathlib import Path; from tests.unit.study_bench import order; from core.benchmark.command import run\n"
        f"run(order(Path({str(tmp_path)!r})), lambda w, s: None, lambda: False)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
    trunk = work.path(f"{cells[0].folder}/trunk.safetensors")
    deadline = time.monotonic() + 120.0
    while not trunk.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    child.wait()
    made = trunk.stat().st_mtime_ns
    result = run(wanted, silent, never)
    assert trunk.stat().st_mtime_ns == made
    assert len(result["cells"]["rows"]) == 3 * 7
    assert not list(work.root.rglob(f".{child.pid}-*")), "half a piece was left"


def test_blanked_names_change_no_score(tmp_path: Path) -> None:
    """The judged presentations, people and species are called otherwise: a score looks at pixels alone."""
    plainly, blanked = order(tmp_path / "plain"), order(tmp_path / "blank")
    draw_tables(plainly)
    draw_tables(blanked, blank_test=True)
    run(plainly, silent, never)
    run(blanked, silent, never)
    for one, other in zip(plan(plainly)[0], plan(blanked)[0], strict=True):
        for method in one.methods:
            pieces = one.target_piece(method, "desk", "clean"), other.target_piece(method, "desk", "clean")
            first, second = (load_answers(Work(c.root), p) for c, p in zip((one, other), pieces, strict=True))
            np.testing.assert_array_equal(first.logits, second.logits)


def test_p5_judges_every_change_and_modalities_that_come_and_go(tmp_path: Path) -> None:
    wanted = order(tmp_path, "P5", methods=("drop_renormalise",))
    draw_tables(wanted)
    result = run(wanted, silent, never)
    assert result["conditions"] == ["rgb+depth+ir", *list(changes.VIEWS)[1:], "site_missing", "comes_and_goes"]
    text = (tmp_path / "result.md").read_text(encoding="utf-8")
    assert "comes_and_goes" in text
    assert "One seed: bounds and p are of the people and the targets that were drawn." in text
    assert (tmp_path / "result-methods.svg").is_file()


def test_the_ablation_compares_predicted_with_true_features(tmp_path: Path) -> None:
    wanted = order(tmp_path, "ablation", methods=("none",))
    draw_tables(wanted)
    result = run(wanted, silent, never)
    assert list(result["methods"]) == ["ours", "none"]
    assert {row["predicted"] for row in result["complementary"]} == {"rgb", "depth", "ir"}
    assert all(-1.0 <= row["own"] <= 1.0 for row in result["complementary"])


def test_the_network_can_be_trained_whole(tmp_path: Path) -> None:
    wanted = order(tmp_path, "whole", methods=("neither",))
    draw_tables(wanted)
    result = run(wanted, silent, never)
    assert list(result["methods"]) == ["ours", "neither"]
    assert result["methods"]["ours"]["parameters"] > result["methods"]["neither"]["parameters"]
    assert result["methods"]["ours"]["tuning"] == {plan(wanted)[0][0].training: None}


def test_people_of_splits_and_domains_are_disjoint() -> None:
    domains = frozen_domains()
    seeds = {(name, split): split_seed(domain, split) for name, domain in domains.items() for split in SPLITS}
    assert len(set(seeds.values())) == len(seeds)
    for domain in domains.values():
        found = orders(domain, "test", TINY)
        assert sum(not one.species for one in found) == len(found) // 2


def test_tables_that_share_a_subject_are_refused(tmp_path: Path) -> None:
    wanted = order(tmp_path)
    draw_tables(wanted)
    _, work = plan(wanted)
    folders = sorted(work.root.glob("tables/*"))[:2]
    tables: dict[tuple[str, str], CropTable] = {(f.name, ""): open_table(f) for f in folders}
    require_disjoint(tables)
    with pytest.raises(ValueError, match="subject"):
        require_disjoint({("one", ""): open_table(folders[0]), ("two", ""): open_table(folders[0])})


def test_folds_leave_out_what_they_say() -> None:
    names = dict.fromkeys("abcd", SIMULATED_SPECIES)
    for fold in splits("P1", names):
        assert set(fold.sources) == set(names) - set(fold.targets)
    first, second = splits("P3", names)
    assert (first.sources, first.targets) == (second.targets, second.sources)
    left_out = [kind for fold in splits("P4", names) for kind in fold.unseen]
    assert sorted(left_out) == sorted(str(kind) for kind in SIMULATED_SPECIES)
    assert len(FAMILIES) == 4
    (fold,) = splits("P2", names, "mine")
    assert (fold.sources, fold.targets) == (tuple(names), ("mine",))
    with pytest.raises(UsageError):
        splits("P3", names, "mine")
    with pytest.raises(UsageError):
        splits("P1", names, "a")


def test_a_family_is_judged_only_where_it_is_presented() -> None:
    """Judged where it is not, it has no APCER, and nothing over all targets has a value."""
    names = {"a": ("bona_fide", "print_flat"), "b": ("bona_fide", "print_bent", "mannequin")}
    folds = {fold.name: fold for fold in splits("P4", names)}
    assert {name: fold.targets for name, fold in folds.items()} == {
        "without-prints": ("a", "b"),
        "without-others": ("b",),
    }
    assert all(fold.sources == ("a", "b") for fold in folds.values())


def test_the_joint_protocol_stays_in_its_own_domain() -> None:
    (fold,) = splits("joint", {"a": (), "b": ()}, joint_domain="couple")
    assert (fold.sources, fold.targets) == (("couple",), ("couple",))
    with pytest.raises(UsageError):
        splits("joint", {"a": (), "b": ()}, "mine", "couple")


def test_every_change_keeps_absence_and_the_class_balance_of_its_strength(tmp_path: Path) -> None:
    wanted = order(tmp_path)
    draw_tables(wanted)
    _, work = plan(wanted)
    table = open_table(next(work.root.glob("tables/desk-*-test")))
    clean = prepare(work, "inputs/clean", table, TINY, (None,), never)
    for name, change in changes.VIEWS.items():
        changed = prepare(work, f"inputs/{name}", table, TINY, (change,), never)
        assert np.isfinite(changed.images).all()
        assert (name == "clean") == np.array_equal(changed.images, clean.images)
        again = prepare(work, f"inputs/{name}-again", table, TINY, (change,), never)
        np.testing.assert_array_equal(again.images, changed.images)


def test_a_domain_of_a_file_is_judged_by_a_trunk_of_all(tmp_path: Path) -> None:
    mine = Domain(name="mine", people=5)
    path = tmp_path / "mine.json"
    path.write_text(mine.model_dump_json(), encoding="utf-8")
    wanted = order(tmp_path, "P1", domain=path, targets=())
    draw_tables(wanted)
    result = run(wanted, silent, never)
    assert result["targets"] == ["mine"]
    assert result["scenes"]["unseen_domain"]["name"] == "mine"
    assert "mine" in (tmp_path / "result.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--scenes"], 2),
        (["--scenes", "--protocol", "P9"], 2),
        (["--scenes", "--protocol", "P1", "--guarantees"], 2),
        (["--scenes", "--protocol", "P1", "--methods", "nobody"], 2),
        (["--scenes", "--protocol", "P1", "--targets", "nowhere"], 2),
        (["--scenes", "--protocol", "P1", "--seeds", "one"], 2),
        (["--scenes", "--protocol", "P4", "--domain", "core/scenes/frozen/desk.toml"], 2),
        (["--scenes", "--protocol", "P1", "--domain", "core/scenes/frozen/desk.toml"], 2),
        (["--scenes", "--protocol", "P1", "--domain", "nowhere.toml"], 3),
        (["--scenes", "--protocol", "streams-dev", "--targets", "nowhere"], 2),
        (["--scenes", "--protocol", "streams-dev", "--methods", "ours"], 2),
        (["--scenes", "--protocol", "streams-dev", "--seeds", "1"], 2),
        (["--scenes", "--protocol", "streams-harm", "--methods", "ours"], 2),
        (["--scenes", "--protocol", "streams-harm", "--targets", "nowhere"], 2),
        (["--scenes", "--realism"], 2),
        (["--collection", "wmca"], 2),
    ],
)
def test_what_the_command_cannot_do_it_says(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["benchmark", *arguments, "--json", str(tmp_path / "out.json")]) == code
    assert capsys.readouterr().err.startswith("sallyport: ")
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--adapt", "--manifest", "m.csv", "--splits", "--json", "out.md"],
        ["--scenes", "--protocol", "P1", "--json", "out.md"],
        ["--scenes", "--protocol", "streams", "--json", "out.md"],
        ["--scenes", "--protocol", "streams-dev", "--json", "out.md"],
        ["--scenes", "--protocol", "streams-harm", "--json", "out.md"],
        ["--scenes", "--protocol", "streams-whole", "--json", "out.md"],
        ["--scenes", "--protocol", "gate", "--json", "out.md"],
        ["--adapt", "--manifest", "m.csv", "--splits", "--json", "m.csv"],
        ["--adapt", "--manifest", "m.md", "--splits", "--json", "m.json"],
        ["--scenes", "--realism", "--manifest", "m.csv", "--out", "pictures", "--json", "m.csv"],
        ["--scenes", "--guarantees", "--domain", "m.csv", "--json", "m.csv"],
    ],
)
def test_a_result_overwrites_neither_itself_nor_what_is_read(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("m.csv", "m.md"):
        Path(name).write_text("kept")
    assert main(["benchmark", *arguments]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.glob("*.*")} == {"m.csv": "kept", "m.md": "kept"}
