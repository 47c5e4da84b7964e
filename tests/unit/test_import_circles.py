"""No module of the package imports, over any way round, a module that imports it; imports within functions count."""

import ast
from pathlib import Path

import pytest

import radstudy

ROOT = Path(radstudy.__file__).parent


def name_of(file: Path, root: Path) -> str:
    parts = (root.name, *file.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def statements(tree: ast.AST):
    """Every import of a file but those for the type checker alone."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types(node):
            yield from (one for other in node.orelse for one in statements(ast.Module([other], [])))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        else:
            yield from statements(node)


def targets(node: ast.Import | ast.ImportFrom, importer: str, is_package: bool, modules: set[str]):
    """The modules that an import names: of ``from package import name`` the package, and the name where it is one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = importer.split(".")
    base = above[: len(above) - node.level + is_package] if node.level else []
    source = ".".join([*base, *([node.module] if node.module else [])])
    submodules = [f"{source}.{alias.name}" for alias in node.names if f"{source}.{alias.name}" in modules]
    yield from submodules
    if source != ROOT.name or len(submodules) < len(node.names):
        yield source


def graph(root: Path) -> dict[str, set[str]]:
    """Each module to the modules of the package that it imports."""
    files = {name_of(file, root): file for file in root.rglob("*.py")}
    edges: dict[str, set[str]] = {}
    for name, file in files.items():
        found = statements(ast.parse(file.read_text(encoding="utf-8")))
        named = {one for node in found for one in targets(node, name, file.stem == "__init__", set(files))}
        edges[name] = (named & set(files)) - {name}
    return edges


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one module (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = lowest[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], index[other])
        if lowest[name] == index[name]:
            members = set(stack[stack.index(name) :])
            del stack[stack.index(name) :]
            if len(members) > 1:
                found.append(members)

    for name in edges:
        if name not in index:
            visit(name)
    return found


def test_no_module_imports_one_that_imports_it():
    assert [sorted(members) for members in circles(graph(ROOT))] == []


@pytest.mark.parametrize(
    ("one", "other", "circular"),
    [
        ("import house.other", "import house.one", True),
        ("from house.other import x", "def f():\n    from house.one import y", True),
        ("from . import other", "from house import one", True),
        (
            "from house.other import x",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.one",
            False,
        ),
        ("from house.other import x", "", False),
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(tmp_path, one, other, circular):
    root = tmp_path / "house"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "one.py").write_text(one)
    (root / "other.py").write_text(other)
    assert circles(graph(root)) == ([{"house.one", "house.other"}] if circular else [])
