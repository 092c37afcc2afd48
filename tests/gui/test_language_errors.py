"""Known errors in the window's language: every marked sentence has its German, and the German is of nothing else."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gui
from core.errors import HostError, InputError, KnownError, Sentence, sentence
from core.messages import Problem
from gui.app import SallyportApp
from gui.i18n import install_language
from gui.i18n.errors import told, told_error
from gui.i18n.translator import load_table
from storage.paths import DataFolder
from tests.gui.test_language import all_texts

ROOT = Path(gui.__file__).parents[1]


def sources() -> Iterator[ast.Module]:
    for package in ("core", "devices", "storage", "gui"):
        for path in (ROOT / package).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture
def german(qapp: SallyportApp) -> Iterator[None]:
    install_language(qapp, "de")
    yield
    install_language(qapp, "en")


def test_every_marked_sentence_is_translated_and_no_german_is_left_over() -> None:
    marked, written = set[str](), set[str]()
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sentence":
                assert isinstance(node.args[0], ast.Constant), ast.unparse(node)
                marked.add(str(node.args[0].value))
    table = load_table("de").keys()
    assert len(marked) > 60
    assert sorted(marked - table) == []
    assert sorted(table - all_texts() - written) == []


def test_an_error_of_a_folder_is_told_in_german(german: None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError) as caught:
        DataFolder(tmp_path / "file" / "data").create()
    assert str(caught.value).startswith(f"The data folder {tmp_path / 'file' / 'data'} cannot be used: ")
    assert told_error(caught.value).startswith(f"Der Datenordner {tmp_path / 'file' / 'data'} ist nicht verwendbar: ")


def test_a_problem_of_another_process_keeps_its_sentence(german: None) -> None:
    model = sentence(
        "The model {name} fails its self-test: {problem}.",
        name="site-3",
        problem=sentence("it gives no valid score for {mask}", mask="ir"),
    )
    there = pickle.loads(pickle.dumps(Problem(model, "Try again.")))
    assert there.what == "The model site-3 fails its self-test: it gives no valid score for ir."
    assert told(there.what) == (
        "Das Modell site-3 besteht seinen Selbsttest nicht: für ir gibt es keinen gültigen Wert."
    )
    assert told(there.remedy) == "Noch einmal versuchen."


def test_what_has_no_german_stays_as_it_is(german: None) -> None:
    assert told("") == ""
    assert told_error(InputError("A sentence that nobody translated.")) == "A sentence that nobody translated."
    assert told(sentence("Nobody translated {n}.", n=3)) == "Nobody translated 3."
    assert told_error(ValueError("a bug")) == "a bug"


@given(st.text(), st.integers(), st.floats(allow_nan=False))
def test_a_sentence_is_its_text_whatever_its_values(text: str, number: int, measure: float) -> None:
    made = sentence("{text!r} {number} {measure:.1f} s", text=text, number=number, measure=measure)
    assert made == f"{text!r} {number} {measure:.1f} s"
    back = pickle.loads(pickle.dumps(made))
    assert isinstance(back, Sentence)
    assert (back, back.template, back.values) == (made, made.template, made.values)
    assert KnownError(made).what is made
