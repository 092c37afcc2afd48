"""The frozen scenes: their files are what they say, their identity moves with what matters and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.benchmark.guarantees.difficulty import FIELDS, differing
from core.errors import InputError
from core.scenes import frozen
from core.scenes.domain import Domain, load_domain
from core.scenes.frozen.identity import code_text, digest_of
from core.scenes.sensors import SENSORS


def test_the_four_domains_differ_in_sensor_site_people_and_species() -> None:
    domains = list(frozen.domains().values())
    assert [domain.name for domain in domains] == list(frozen.DOMAIN_NAMES)
    assert len({SENSORS[domain.sensor].kind for domain in domains}) == len(domains)
    for one in domains:
        for other in domains:
            if one is not other:
                factors = {factor for factor, names in FIELDS.items() if differing(one, other) & names}
                assert factors == set(FIELDS)


@pytest.mark.parametrize("factor", frozen.FACTORS)
def test_a_variant_differs_from_the_base_in_its_factor_alone(factor: str) -> None:
    changed = differing(frozen.domains()[frozen.BASE], frozen.variants()[factor])
    assert changed
    assert changed <= FIELDS[factor]


def test_every_setting_belongs_to_one_factor() -> None:
    owned = [name for names in FIELDS.values() for name in names]
    assert len(owned) == len(set(owned))
    assert set(Domain.model_fields) - set(owned) == {"name", "frames", "heads"}


def _copied(tmp_path: Path) -> Path:
    folder = tmp_path / "copied"
    shutil.copytree(frozen.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_digest_ignores_comments_and_moves_with_values(tmp_path: Path) -> None:
    folder = _copied(tmp_path)
    assert digest_of(folder) == frozen.digest()
    desk = folder / "desk.toml"
    text = desk.read_text(encoding="utf-8")
    desk.write_text("# Another remark.\n\n" + text, encoding="utf-8")
    assert digest_of(folder) == frozen.digest()
    desk.write_text(text.replace("people = ", "people = 1"), encoding="utf-8")
    assert digest_of(folder) != frozen.digest()


def test_code_counts_without_its_words() -> None:
    plain = "def f(x: int) -> int:\n    return x + 1\n"
    worded = '"""Module."""\n\n\ndef f(x: int) -> int:\n    """Add one."""\n    # Why not.\n    return x + 1\n'
    assert code_text(plain) == code_text(worded)
    assert code_text(plain) != code_text(plain.replace("+ 1", "+ 2"))


def test_only_named_definitions_count_where_names_are_given() -> None:
    source = "A = 1\nB = 2\n\n\ndef f() -> int:\n    return A\n"
    assert code_text(source, ["f"]) == code_text(source.replace("B = 2", "B = 3"), ["f"])
    assert code_text(source, ["A", "f"]) != code_text(source.replace("A = 1", "A = 3"), ["A", "f"])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('sensor = "d999"', "sensor"),
        ('species = ["print_flat", "hologram"]', "species"),
        ("distance_mm = [900.0, 400.0]", "distance_mm"),
        ("blind_share = 1.5", "blind_share"),
        ("people = 0", "people"),
        ("nonsense = 1", "nonsense"),
        ("[missing]\nir = 2.0", "missing.ir"),
        ("sensor = ", "cannot be read"),
    ],
)
def test_a_wrong_domain_file_is_refused_and_says_where(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_domain(path)
    assert word in caught.value.what


def test_an_absent_domain_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_domain(tmp_path / "nowhere.toml")


def test_what_lies_here_is_what_was_frozen() -> None:
    then, now = frozen.frozen_digest(), frozen.digest()
    assert frozen.is_frozen(), (
        f"{frozen.NAME} was frozen as {then}, this is {now}: undo the change or freeze another set"
    )
