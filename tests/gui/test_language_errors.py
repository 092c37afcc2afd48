"""Known errors in the window's language: every marked sentence has its German, and the German is of nothing else."""

from __future__ import annotations

import ast
import json
import pickle
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gui
from core.errors import HostError, InputError, KnownError, Sentence, sentence
from core.handing_over import packed, unpacked
from core.messages import Problem
from gui.i18n.errors import told, told_error
from gui.i18n.translator import load_table
from storage.paths import DataFolder
from tests.gui.test_language import all_texts

ROOT = Path(gui.__file__).parents[1]


COMMAND_LINE_ONLY = (
    "core/benchmark",
    "core/commandline.py",
    "core/data/collections",
    "core/door/watch.py",
    "core/evaluation",
    "core/model/share.py",
    "core/scenes",
    "core/station/headless.py",
    "core/terminal.py",
    "core/training",
    "gui/opening.py",
    "storage/commands_erasure.py",
    "storage/commands_keys.py",
    "storage/commands_labels.py",
    "storage/commands_policy.py",
    "storage/commands_retention.py",
    "storage/commands_sessions.py",
    "storage/commands_shards.py",
    "storage/commands_training.py",
    "storage/people_commands.py",
)
"""Errors that come from here reach nobody in the window."""
FROZEN = ("core/registration.py",)
"""The frozen scenes go through it: its one text with values changes with the next set (`core.scenes.frozen`)."""


def sources() -> Iterator[ast.Module]:
    for package in ("core", "devices", "storage", "gui"):
        for path in (ROOT / package).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))


def sources_of_the_window() -> Iterator[tuple[str, ast.Module]]:
    for package in ("core", "devices", "storage", "gui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(COMMAND_LINE_ONLY + FROZEN):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def kinds_of_error() -> set[str]:
    """The names of `KnownError` and everything derived from it, and of the message that tells of one."""
    bases = {
        node.name: {name_of(base) for base in node.bases}
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"KnownError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found | {"Problem"}


def written_texts(node: ast.expr, assigned: Mapping[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """The texts in the source that ``node`` may be, as far as its own module tells."""
    match node:
        case ast.Constant() | ast.JoinedStr() | ast.BinOp():
            yield node
        case ast.IfExp(body=one, orelse=other):
            yield from written_texts(one, assigned)
            yield from written_texts(other, assigned)
        case ast.BoolOp(values=values):
            for value in values:
                yield from written_texts(value, assigned)
        case ast.Name(id=name):
            for value in assigned.get(name, ()):
                yield from written_texts(value, {})


def texts_of_errors(tree: ast.Module, kinds: set[str]) -> Iterator[ast.expr]:
    """What errors of a module say was wrong and what to do."""
    assigned: dict[str, list[ast.expr]] = {}
    own: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
        if isinstance(node, ast.ClassDef) and node.name in kinds:
            own.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name_of(node.func) in kinds or (node in own and is_super(node))):
            for argument in node.args[:2]:
                yield from written_texts(argument, assigned)


def is_super(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "super().__init__"


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


def test_every_error_that_reaches_the_window_is_written_as_a_sentence_with_its_german() -> None:
    kinds, table = kinds_of_error(), load_table("de").keys()
    assert len(kinds) > 20
    built, missing, seen = list[str](), set[str](), 0
    for name, tree in sources_of_the_window():
        for text in texts_of_errors(tree, kinds):
            seen += 1
            if not isinstance(text, ast.Constant):
                built.append(f"{name}:{text.lineno} {ast.unparse(text)}")
            elif text.value and text.value not in table:
                missing.add(str(text.value))
    assert seen > 300
    assert built == []
    assert sorted(missing) == []


def test_every_sentence_leaves_its_process_as_one() -> None:
    """Whatever a template asks of its values may be asked of them on the other side too."""
    seen = 0
    for template in load_table("de"):
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name is not None]
        made = sentence(template, **{name: 7 if spec else "seven" for name, spec in fields})
        there = unpacked(json.loads(json.dumps(packed(made))))
        assert isinstance(there, Sentence)
        assert (there, there.template, there.values) == (made, made.template, made.values)
        seen += bool(fields)
    assert seen > 200


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


def test_an_error_told_in_one_text_keeps_both_its_sentences(german: None) -> None:
    error = HostError(sentence("{name} delivers no frames.", name="D435"), "Check its cable.")
    there = pickle.loads(pickle.dumps(sentence("The camera was given up: {problem}", problem=error.in_one())))
    assert there == f"The camera was given up: {error}"
    assert told(there) == "Die Kamera wurde aufgegeben: D435 liefert keine Bilder. Das Kabel prüfen."
    assert HostError("Nothing to be done.").in_one() == "Nothing to be done."


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
