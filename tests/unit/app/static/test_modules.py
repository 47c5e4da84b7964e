"""The page's modules: their own tests, their types, and that every text that they show exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import radstudy

APP = Path(radstudy.__file__).parent / "app"
TESTS = Path(__file__).parents[3] / "app"
OURS = tuple(sorted(file.stem for file in (APP / "static").glob("*.js")))
COMPUTED = re.compile(r"text\(`([\w.]+?)\.?\$\{")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=300)


def test_the_modules_pass_their_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if int(run(node, "--version").stdout.lstrip("v").split(".")[0]) < 20:
        pytest.skip("node is older than 20")
    done = run(node, "--test", *sorted(TESTS.glob("*.test.js")))
    assert done.returncode == 0, done.stdout


def test_the_types_are_sound() -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("tsc is not installed (npm install typescript)")
    done = run(tsc, "-p", TESTS / "tsconfig.json")
    assert done.returncode == 0, done.stdout


def names(texts: dict[str, Any], before: str = "") -> set[str]:
    """Dotted names of all texts."""
    every: set[str] = set()
    for name, value in texts.items():
        every |= names(value, f"{before}{name}.") if isinstance(value, dict) else {before + name}
    return every


@pytest.fixture(scope="module")
def texts() -> set[str]:
    return names(YAML(typ="safe").load(APP / "strings.yaml"))


@pytest.mark.parametrize("module", OURS)
def test_every_text_that_is_shown_exists(module: str, texts: set[str]) -> None:
    source = (APP / "static" / f"{module}.js").read_text("utf-8")
    assert {name for name in re.findall(r'\btext\("([\w.]+)"', source) if name not in texts} == set()
    groups = set(COMPUTED.findall(source))
    assert {group for group in groups if not any(name.startswith(f"{group}.") for name in texts)} == set()


def test_every_action_and_tool_has_its_text(texts: set[str]) -> None:
    keys = (APP / "static/keys.js").read_text("utf-8")
    actions = set(re.findall(r'action: "(\w+)"', keys))
    assert len(actions) > 30
    assert {f"room.action.{action}" for action in actions} <= texts
    tools = {action.removeprefix("tool_") for action in actions if action.startswith("tool_")}
    assert {f"room.{kind}.{tool}" for tool in tools for kind in ("tool", "hint")} <= texts
    mouse = re.search(r"MOUSE = \[(.*?)\]", keys)
    assert mouse
    assert {
        f"room.mouse.{name}.{part}" for name in re.findall(r'"(\w+)"', mouse[1]) for part in ("how", "what")
    } <= texts


def test_no_module_asks_another_computer_or_runs_text_as_code() -> None:
    for file in filter(Path.is_file, (APP / "static").rglob("*")):
        source = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|\beval\(|new Function|innerHTML|style=", source), file.name
