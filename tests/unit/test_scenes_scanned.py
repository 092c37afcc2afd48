"""Heads of a scan-based model: read from one file or a folder, on the common chart, like the procedural ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InputError
from core.scenes.crops import presentation
from core.scenes.domain import Domain
from core.scenes.head import Expression, Shape, chart_grid
from core.scenes.people import Person, head_of
from core.scenes.scanned import SPREAD, Scan, ScannedHead, read_scans
from core.scenes.spec import scene_species


@pytest.fixture(scope="module")
def scans(request: pytest.FixtureRequest) -> Path:
    """The model's file; skips where it is absent."""
    folder: Path = request.getfixturevalue("shared_data")
    file = folder / "ict_facekit.npz"
    if not file.is_file():
        pytest.skip("ict_facekit.npz is not in the real material")
    return file


def _middle(points: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y = np.broadcast_arrays(*chart_grid())
    return np.asarray(points[(np.abs(x) <= 48) & (y >= -50) & (y <= 37)], dtype=np.float32)


@pytest.mark.shared
def test_features_sit_where_paints_put_them(scans: Path) -> None:
    x, y = np.broadcast_arrays(*chart_grid())
    points = read_scans(scans).neutral
    tip = np.unravel_index(int(points[..., 2].argmax()), x.shape)
    assert abs(float(x[tip])) < 5
    assert abs(float(y[tip]) + 8) < 8
    eye = points[np.unravel_index(int((np.abs(x - 31) + np.abs(y - 30)).argmin()), x.shape)]
    assert 27 < eye[0] < 37, "half the distance of the eyes, mm"


@pytest.mark.shared
def test_scanned_people_differ_as_much_as_procedural_ones(scans: Path) -> None:
    rng = np.random.default_rng(3)
    model = read_scans(scans)
    heads = [_middle(model.points(Scan.draw(scans, rng).weights)) for _ in range(24)]
    assert np.std([h[:, 2] for h in heads], axis=0).mean() > 1.5
    own = [
        _middle(head_of(Person.draw(rng), bare=True).mesh().vertices.reshape(*model.neutral.shape)) for _ in range(24)
    ]
    gap = np.mean([h[:, 2] for h in heads], axis=0) - np.mean([h[:, 2] for h in own], axis=0)
    assert np.sqrt((gap**2).mean()) < 4.0, "the embedded mean face is that of the scans"
    assert SPREAD == 0.8


@pytest.mark.shared
def test_expressions_move_what_they_should(scans: Path) -> None:
    head = ScannedHead(Scan(scans, (0.0,)), Shape(), bare=True)
    still = head.mesh()
    moved = np.abs(head.mesh(Expression(mouth=1.0)).vertices - still.vertices).max(axis=1)
    chin = (np.abs(still.chart[:, 0]) < 15) & (np.abs(still.chart[:, 1] + 70) < 8)
    assert moved[chin].min() > 4
    assert moved[still.chart[:, 1] > 60].max() < 1


@pytest.mark.shared
def test_a_site_may_name_the_file(scans: Path) -> None:
    site = Domain(name="scans", heads=str(scans), frames=1, people=3, face_px=(60, 80))
    embedded = site.model_copy(update={"heads": ""})
    for species in ("bona_fide", "mask_rigid", "print_flat"):
        kind = scene_species(species)
        one, again, other = (presentation(s, kind, 2, 1).crops[0] for s in (site, site, embedded))
        assert one.rgb is not None
        assert np.array_equal(one.rgb, again.rgb)  # type: ignore[arg-type]
        assert not np.array_equal(one.rgb, other.rgb)  # type: ignore[arg-type]


@pytest.mark.shared
def test_the_folder_of_obj_files_gives_the_same_heads(scans: Path, tmp_path: Path) -> None:
    with np.load(scans) as data:
        names = [str(name) for name in data["material_names"]]
        material, quads = data["face_material"], data["faces"]
        neutral = data["neutral"]
        first = data["identity_deltas"][0].astype(np.float32)
        jaw = data["expression_deltas"][list(data["expression_names"]).index("jawOpen")].astype(np.float32)
    lines = []
    for number in np.unique(material):
        lines.append(f"usemtl {names[int(number)]}")
        for quad in quads[material == number]:
            lines.append("f " + " ".join(f"{corner + 1}/1/1" for corner in quad if corner >= 0))
    _write_obj(tmp_path / "generic_neutral_mesh.obj", neutral, lines)
    _write_obj(tmp_path / "identity000.obj", neutral + first)
    _write_obj(tmp_path / "jawOpen.obj", neutral + jaw)
    folder, archive = read_scans(tmp_path), read_scans(scans)
    assert np.allclose(folder.neutral, archive.neutral, atol=0.02)
    assert np.allclose(folder.identity[0], archive.identity[0], atol=0.02)
    assert set(folder.expressions) == {"jawOpen"}


def _write_obj(path: Path, vertices: NDArray[np.float32], faces: list[str] | None = None) -> None:
    rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices]
    path.write_text("\n".join([*rows, *(faces or [])]), encoding="utf-8")


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    wrong = tmp_path / "heads.npz"
    wrong.write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"heads\.npz"):
        read_scans(wrong)
    np.savez(wrong.with_name("other.npz"), neutral=np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"other\.npz"):
        read_scans(wrong.with_name("other.npz"))
    with pytest.raises(InputError, match="ICT-FaceKit"):
        read_scans(tmp_path)
