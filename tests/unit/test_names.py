"""Names and docstrings that hold for the whole package."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import radstudy

PACKAGE = Path(radstudy.__file__).parent
FILES = {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_text(encoding="utf-8"))
         for file in sorted(PACKAGE.rglob("*.py"))}  # fmt: skip
QUESTION = re.compile(r"(What|Whether|How|Which|Where|Why|Who|When)\b")
EMPTY = {"of", "found", "made"}  # they do not say what they hold


def test_a_public_class_name_has_one_meaning():
    homes = defaultdict(list)
    for name, tree in FILES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert not {name: files for name, files in homes.items() if len(files) > 1}


def test_first_lines_of_docstrings_say_what_is_computed():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    nodes = [(name, node) for name, tree in FILES.items() for node in ast.walk(tree) if isinstance(node, kinds)]
    texts = [(name, ast.get_docstring(node) or "") for name, node in nodes]
    assert len(texts) > 1000
    assert not [(name, text.splitlines()[0]) for name, text in texts if QUESTION.match(text)]


def test_variables_say_what_they_hold():
    stored = [
        (name, node.lineno)
        for name, tree in FILES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY)
        or (isinstance(node, ast.arg) and node.arg in EMPTY)
    ]
    assert not stored
