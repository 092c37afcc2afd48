"""Adaptation on a manifest: subjects never on both sides, hybrids of the others' captures judged, passes kept."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.benchmark.adapted import Order, as_markdown, run
from core.benchmark.captures import ManifestStore, face_seen
from core.data.images import read_image
from core.data.manifest import COLUMNS, read_manifest
from core.errors import CanceledError, InputError, UsageError
from core.face.sampler import FaceSampler
from core.frames import FaceCrop, FrameSet, Modality
from tests.unit.adaptation_site import QUICK, face, simulate, write_champion

SPECIES = ("", "", "print_flat")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects, each twice bona fide and once with a print, depth and infrared."""
    folder = tmp_path_factory.mktemp("captures")
    lines = [",".join(COLUMNS)]
    for subject in range(4):
        for take, species in enumerate(SPECIES):
            name = f"p{subject}-{take}"
            crop = face(species, zlib.crc32(name.encode()))
            assert crop.depth is not None
            assert crop.ir is not None
            cv2.imwrite(str(folder / f"{name}-d.png"), crop.depth.astype(np.uint16))
            cv2.imwrite(str(folder / f"{name}-i.png"), (crop.ir * 65535.0).astype(np.uint16))
            row = {
                "presentation": name, "subject": f"s{subject}", "species": species, "depth": f"{name}-d.png",
                "ir": f"{name}-i.png", "depth_scale_m": "0.001", "framing": "crop",
            }  # fmt: skip
            lines.append(",".join(row.get(column, "") for column in COLUMNS))
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def order(manifest: Path, folder: Path, **changes: int) -> Order:
    champion = folder / "champion"
    if not champion.exists():
        write_champion(champion)
    return Order(
        read_manifest(manifest), champion, folder / "work", training=QUICK, simulate=simulate, **changes
    )  # fmt: skip


def face_of(frame_set: FrameSet) -> FaceCrop | None:
    return FaceSampler().sample(frame_set).crop


def never() -> bool:
    return False


def report(_what: str, _share: float) -> None:
    pass


def test_every_split_of_the_subjects_prints_each_of_them_and_is_kept(manifest: Path, tmp_path: Path) -> None:
    wanted = order(manifest, tmp_path, splits=2)
    result = run(wanted, report, never)
    assert [one["adapting"] for one in result["splits"]] == [["s0", "s1"], ["s0", "s2"]]
    first = result["splits"][0]
    assert first["labelled"] == {"bona_fide": 4, "attack": 2}
    assert set(first["subjects"]["after"]) == {"s2", "s3"}, "who adapts is not judged"
    assert set(first["subjects"]["after"]["s2"]) == {"bona_fide", "print_flat", "hybrid_sheet", "hybrid_mask"}
    assert first["after"]["bpcer"]["trials"] == 4
    assert {"bpcer", "hybrid_sheet", "hybrid_mask"} <= set(result["summary"]["after"])
    page = as_markdown(result)
    assert "## Pass 2\n\nAdapted by s0, s2.\n" in page
    assert "| s1 | " in page.split("## Pass 2")[1].split("## Pass 3")[0]
    assert "| macro HTER | " in page
    json.dumps(result)
    assert run(wanted, report, never) == result, "a finished pass is read, its seconds with it"
    with pytest.raises(CanceledError):
        run(order(manifest, tmp_path, splits=3), report, lambda: True)


def test_every_picture_is_decoded_once_and_let_go(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: Counter[Path] = Counter()

    def counted(path: Path, modality: Modality) -> Any:
        decoded[path] += 1
        return read_image(path, modality)

    monkeypatch.setattr("core.data.manifest.read_image", counted)
    result = run(order(manifest, tmp_path, splits=2), report, never)
    assert len(result["splits"]) == 2
    assert len(decoded) == 2 * 3 * 4
    assert set(decoded.values()) == {1}
    store = ManifestStore(read_manifest(manifest), face_of, 1, report, never)
    (seen,) = store.frame_sets("p0-0")
    assert seen.nbytes == 0
    assert face_seen(seen) is not None


def test_faces_are_sought_only_in_frame_sets_that_a_pass_uses(manifest: Path, tmp_path: Path) -> None:
    (manifest.parent / "none.png").write_bytes(b"no picture")
    rows = [
        cells(presentation="long", subject="s1", ir=name, framing="crop")
        for name in ("p1-0-i.png", "none.png", "p1-1-i.png", "p1-2-i.png")
    ]
    sought: list[int] = []

    def face(frame_set: FrameSet) -> FaceCrop | None:
        sought.append(frame_set.number)
        return face_of(frame_set)

    store = ManifestStore(
        read_manifest(changed(manifest, "long.csv", [",".join(COLUMNS), *rows])), face, 2, report, never
    )
    assert [frame_set.number for frame_set in store.frame_sets("long")] == sought == [1, 4]
    assert [left.row for left in store.left_out] == [3]


def test_labels_are_drawn_from_those_who_adapt(manifest: Path, tmp_path: Path) -> None:
    result = run(order(manifest, tmp_path, labelled=3, draws=1), report, never)
    (draw,) = result["draws"]
    assert draw["labelled"] == {"bona_fide": 2, "attack": 1}
    assert not set(draw["adapting"]) & set(draw["subjects"]["after"])
    with pytest.raises(UsageError, match="labelled presentations were asked for"):
        run(order(manifest, tmp_path, labelled=40, draws=1), report, never)


def test_where_bona_fide_are_few_attacks_fill_the_labels(manifest: Path, tmp_path: Path) -> None:
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    fewer = manifest.with_name("fewer.csv")
    fewer.write_text("\n".join([head, *(row for row in rows if "-0," not in row)]) + "\n", encoding="utf-8")
    (draw,) = run(order(fewer, tmp_path, labelled=4, draws=1), report, never)["draws"]
    assert draw["labelled"] == {"bona_fide": 2, "attack": 2}


def changed(manifest: Path, name: str, lines: list[str]) -> Path:
    """Another manifest beside the first."""
    path = manifest.with_name(name)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def cells(**values: str) -> str:
    return ",".join(values.get(column, "") for column in COLUMNS)


def test_other_pictures_under_the_same_names_are_another_pass(manifest: Path, tmp_path: Path) -> None:
    wanted = order(manifest, tmp_path, labelled=3, draws=1)
    whole = run(wanted, report, never)
    infrared = [
        line.replace(f"{line.split(',')[0]}-d.png", "") for line in manifest.read_text(encoding="utf-8").splitlines()
    ]
    other = run(order(changed(manifest, "infrared.csv", infrared), tmp_path, labelled=3, draws=1), report, never)
    assert other["draws"][0]["before"] != whole["draws"][0]["before"]
    assert run(wanted, report, never) == whole


def test_what_cannot_be_used_is_named_and_the_rest_is_adapted_on(manifest: Path, tmp_path: Path) -> None:
    lines = manifest.read_text(encoding="utf-8").splitlines()
    (manifest.parent / "text.png").write_text("no picture", encoding="utf-8")
    broken = cells(presentation="broken", subject="s0", depth="text.png", depth_scale_m="0.001", framing="crop")
    gone = cells(presentation="gone", subject="s1", ir="nowhere.png", framing="crop")
    result = run(
        order(changed(manifest, "broken.csv", [*lines, broken, gone]), tmp_path, labelled=3, draws=1), report, never
    )
    assert [one["row"] for one in sorted(result["left_out"], key=lambda one: one["row"])] == [14, 15]
    assert all(one["reason"] for one in result["left_out"])


def copied(manifest: Path, name: str, other: str) -> str:
    """The picture once more, in a file of its own."""
    (manifest.parent / other).write_bytes((manifest.parent / name).read_bytes())
    return other


def test_one_person_s_many_presentations_are_judged_all_of_them(manifest: Path, tmp_path: Path) -> None:
    again = [
        cells(presentation=f"x{n}", subject="s3", ir=copied(manifest, "p3-0-i.png", f"x{n}.png"), framing="crop")
        for n in range(16)
    ]
    many = changed(manifest, "many.csv", [*manifest.read_text(encoding="utf-8").splitlines(), *again])
    result = run(order(many, tmp_path, splits=1), report, never)
    assert set(result["splits"][0]["subjects"]["after"]) == {"s2", "s3"}
    assert result["splits"][0]["subjects"]["after"]["s3"]["bona_fide"]["trials"] == 18


def test_a_judged_presentation_without_a_face_is_a_non_response(manifest: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(manifest.parent / "wall.png"), np.full((240, 320), 900, dtype=np.uint16))
    walls = [
        cells(presentation=f"w{n}", subject="s3", ir=copied(manifest, "wall.png", f"w{n}.png"), framing="frame")
        for n in range(4)
    ]
    lines = manifest.read_text(encoding="utf-8").splitlines()
    result = run(order(changed(manifest, "walls.csv", [*lines, *walls]), tmp_path, splits=1), report, never)
    after = result["splits"][0]["after"]
    assert result["splits"][0]["without_face"]["judge"] == 4
    assert (after["non_response"]["bona_fide"]["errors"], after["non_response"]["bona_fide"]["trials"]) == (4, 8)
    assert after["bpcer"]["trials"] == 4, "a rate of answers"


def test_sensors_that_take_turns_leave_a_presentation_that_can_be_judged(manifest: Path, tmp_path: Path) -> None:
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    turns = []
    for row in rows:
        named = dict(zip(COLUMNS, row.split(","), strict=True))
        turns += [cells(**{**named, "ir": ""}), cells(**{**named, "depth": "", "depth_scale_m": ""})]
    result = run(order(changed(manifest, "turns.csv", [head, *turns]), tmp_path, labelled=3, draws=1), report, never)
    assert result["draws"][0]["after"]["non_response"]["bona_fide"]["errors"] == 0


def test_labels_of_one_class_are_told_as_what_they_are(manifest: Path, tmp_path: Path) -> None:
    """Bona fide in colour alone bring no hybrids along."""
    colours = np.random.default_rng(1).integers(60, 200, (96, 96, 3))
    cv2.imwrite(str(manifest.parent / "c.png"), colours.astype(np.uint8))
    rows = [
        cells(presentation=f"c{n}", subject=f"s{n}", rgb=copied(manifest, "c.png", f"c{n}.png"), framing="crop")
        for n in range(4)
    ]
    colour = changed(manifest, "colour.csv", [",".join(COLUMNS), *rows])
    with pytest.raises(InputError, match="only one class: nothing of the other is labelled"):
        run(order(colour, tmp_path, splits=1), report, never)
