"""What the frozen scenes are: one digest over the domain files, the code that renders them, and the recipe of a split.

Code enters as its syntax tree without docstrings: a comment or a line break does not thaw the benchmark, a changed
constant does. Nothing is imported for it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_CORE = Path(__file__).parents[2]
_SCENES = _CORE / "scenes"
_NOT_RENDERING = frozenset({"live.py", "export.py", "spec.py"})
"""The live camera, the command that writes images, and the text form of a source."""
_BESIDE = ("face/crop.py", "registration.py", "data/depth_scale.py")
"""How a frame set becomes a crop."""
_RECIPE = {"benchmark/tables.py": ("SPLITS", "_FIRST_SEED", "_SEED_RANGE", "split_seed", "orders")}
"""Which people, species and circumstances a split of a domain has."""
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_text(source: str, names: Iterable[str] = ()) -> str:
    """The syntax tree of Python source without docstrings, as text; with ``names`` only those top-level definitions."""
    tree = ast.parse(source)
    wanted = frozenset(names)
    if wanted:
        tree.body = [node for node in tree.body if wanted & set(_names(node))]
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            node.body = [part for part in node.body if not _is_text(part)]
    return _dump(tree)


def _dump(node: object) -> str:
    """The tree as text, alike on every Python: `ast.dump` shows other fields in 3.11, 3.12 and 3.13."""
    if isinstance(node, list):
        return f"[{', '.join(_dump(part) for part in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    shown = ((name, getattr(node, name, None)) for name in node._fields if name != "type_params")
    fields = ", ".join(
        f"{name}={_dump(value)}" for name, value in shown if value is not None or _holds_none(node, name)
    )
    return f"{type(node).__name__}({fields})"


def _holds_none(node: ast.AST, name: str) -> bool:
    """Whether ``None`` says something there: the value of the constant ``None``."""
    return isinstance(node, ast.Constant) and name == "value"


@cache
def renderer_digest() -> str:
    """Digest of the code that turns a domain into crops."""
    found = hashlib.sha256()
    files = [path for path in sorted(_SCENES.glob("*.py")) if path.name not in _NOT_RENDERING]
    files += [path for path in (_CORE / name for name in _BESIDE) if path.is_file()]
    for path in files:
        _add(found, path.relative_to(_CORE).as_posix(), code_text(path.read_text(encoding="utf-8")))
    return found.hexdigest()


def digest_of(folder: Path) -> str:
    """Digest of the benchmark whose domain files lie in ``folder``."""
    found = hashlib.sha256(renderer_digest().encode())
    for path in sorted(folder.rglob("*.toml")):
        if path.name != "frozen.toml":
            _add(found, path.relative_to(folder).as_posix(), _values(path))
    for name, definitions in _RECIPE.items():
        _add(found, name, code_text((_CORE / name).read_text(encoding="utf-8"), definitions))
    return found.hexdigest()


def _values(path: Path) -> str:
    """A domain file as its values: comments do not count."""
    import tomllib

    return repr(sorted(tomllib.loads(path.read_text(encoding="utf-8")).items()))


def _add(found: hashlib._Hash, name: str, text: str) -> None:
    found.update(f"{name}\0{len(text)}\0{text}\0".encode())


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    flat = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in flat if isinstance(part, ast.Name)]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
