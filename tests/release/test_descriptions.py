"""Files that describe a release say what pyproject.toml and _version.py say."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from radstudy import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_CONDA = {"matplotlib-base": "matplotlib", "python-isal": "isal"}  # conda-forge's names that are not PyPI's


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def recipe():
    written = re.sub(r"^\{%.*%\}$", "", text("recipe/meta.yaml"), flags=re.MULTILINE)
    return YAML(typ="safe").load(written.replace("{{ version }}", __version__).replace("{{ PYTHON }}", "python"))


def of_python(lines):
    return {tuple(sorted(str(Requirement(f"python{line}").specifier).split(","))) for line in lines}


def test_the_citation_agrees():
    cited = YAML(typ="safe").load(text("CITATION.cff"))
    assert (cited["version"], cited["license"]) == (__version__, PROJECT["license"])
    assert (
        cited["title"]
        == f"{PROJECT['name']}: {PROJECT['description'][0].lower()}{PROJECT['description'][1:].rstrip('.')}"
    )
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert cited["keywords"] == PROJECT["keywords"]
    assert ("date-released" in cited) == ("dev" not in __version__)


def test_codemeta_agrees():
    described = json.loads(text("codemeta.json"))
    assert (described["name"], described["version"]) == (PROJECT["name"], __version__)
    assert described["license"] == f"https://spdx.org/licenses/{PROJECT['license']}"
    assert described["description"] == PROJECT["description"]
    assert described["keywords"] == PROJECT["keywords"]
    assert described["runtimePlatform"] == f"Python {PROJECT['requires-python']}"
    assert [author["name"] for author in described["author"]] == [author["name"] for author in PROJECT["authors"]]


def test_the_conda_recipe_needs_what_the_wheel_needs():
    described = recipe()
    assert described["package"] == {"name": PROJECT["name"], "version": __version__}
    assert f'set version = "{__version__}"' in text("recipe/meta.yaml")
    assert described["about"]["license"] == PROJECT["license"]
    assert described["about"]["summary"] == PROJECT["description"]
    [(program, entry)] = PROJECT["scripts"].items()
    assert described["build"]["entry_points"] == [f"{program} = {entry}"]

    run = described["requirements"]["run"]
    pythons = [
        line.removeprefix("python ") for line in run + described["requirements"]["host"] if line.startswith("python ")
    ]
    assert of_python(pythons) == of_python([PROJECT["requires-python"]])
    conda = {}
    for line in run:
        name, _, bound = line.partition(" ")
        if name != "python":
            conda[canonicalize_name(OF_CONDA.get(name, name))] = bound
    pip = {canonicalize_name(one.name): str(one.specifier) for one in map(Requirement, PROJECT["dependencies"])}
    assert conda == pip


@pytest.mark.parametrize("name", ["container/Containerfile", "docs/container.md"])
def test_the_container_has_the_version(name):
    stated = re.findall(r"radstudy:(\d[\w.]*\w)|image\.version=\"(.+?)\"", text(name))
    assert {one or other for one, other in stated} == {__version__}


def test_the_container_has_a_python_that_is_allowed():
    [python] = re.findall(r"^ARG PYTHON=(\S+)$", text("container/Containerfile"), re.MULTILINE)
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    assert PROJECT["license"] in text("container/Containerfile")


def test_what_the_checklist_names_is_there():
    named = re.findall(
        r"`((?:src|tests|recipe|container|docs|\.ci|\.github)/[\w./-]+\.?\w+)", text("docs/releasing.md")
    )
    assert len(named) > 6
    assert not [name for name in named if not (ROOT / name).exists()]
