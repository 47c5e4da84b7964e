"""The pages that the site makes of the program's own facts: nothing is left out, and nothing else is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("typer")

from radstudy.catalogue import CATALOGUE, SYMBOLS
from radstudy.cli.commands import COMMANDS
from radstudy.protocol.fields import setting_fields
from website.about import about_pages
from website.commands import command_pages
from website.features import differences, feature_pages
from website.numbers import number_pages
from website.outside import led_inside
from website.reference import MODULES, public_names, reference_pages
from website.settings import setting_pages

ROOT = Path(__file__).parents[2]


def test_every_command_has_a_page_with_its_options():
    pages = command_pages()
    assert {f"reference/commands/{one.name.replace(' ', '_')}.md" for one in COMMANDS} < set(pages)
    run = pages["reference/commands/run.md"]
    assert "radstudy run [OPTIONS] STUDY" in run and "`--step" in run and "`-j, --jobs" in run


def test_every_setting_has_a_heading():
    headings = re.findall(r"^##+ `(.+)`$", "\n".join(setting_pages().values()), re.MULTILINE)
    assert sorted(headings) == sorted(map(str, setting_fields()))


def test_every_feature_has_its_formula_and_code():
    pages = feature_pages(ROOT)
    for one in CATALOGUE:
        page = pages[f"features/{one.family}.md"]
        assert f"## {one.name}\n\n```{{math}}\n{one.formula}\n```" in page
        assert one.ibsi_code in page and one.formula and one.family in SYMBOLS


def test_the_difference_to_pyradiomics_is_the_largest_of_its_row(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "| class | feature | a | b |\n|---|---|---|---|\n| glcm | Contrast | 3e-13 | 2e-12 |\n| glcm | Id | 0 |  |\n"
    )
    assert differences(page) == {("glcm", "Contrast"): "2e-12", ("glcm", "Id"): "0"}


def test_features_that_are_computed_by_default_were_all_compared():
    measured = differences(ROOT / "docs" / "pyradiomics.md")
    assert {(one.family, one.name) for one in CATALOGUE if one.by_default} <= set(measured)


def test_what_readme_and_docs_name_is_in_the_reference():
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    named = set(
        re.findall(r"\bradstudy(?:\.[a-z_0-9]+)*\.[A-Za-z_0-9]+(?=\()|`(radstudy(?:\.\w+)+)`", "\n".join(texts))
    )
    modules = [import_module(name) for name in MODULES]
    known = {one for module in modules for one in public_names(module)}
    known |= {part for name in MODULES for part in name.split(".")[1:]}
    missing = {name for name in named if name and not known & set(name.split(".")[1:])}
    tools = {
        "radstudy.__all__",
        "radstudy.artefacts.pages",
        "radstudy.demo.ceiling",
        "radstudy.report.cited.check",
    }  # run, or named as a source
    assert missing <= tools | {name for name in missing if name.endswith((".json", ".yaml"))}


def test_every_module_of_the_reference_has_something_to_show():
    pages = reference_pages()
    for name in MODULES:
        assert f"reference/python/{name}.rst" in pages
        assert public_names(import_module(name)), name


def test_every_file_of_reference_values_is_listed_with_the_test_that_reads_it():
    page = number_pages(ROOT)["numbers/oracles.md"]
    for file in (ROOT / "tests" / "oracle").glob("*.csv*"):
        if "_inputs" not in file.name:
            row = next(line for line in page.splitlines() if f"| `{file.name}` |" in line)
            assert row.endswith(".py` |"), f"no test names {file.name}"


def test_links_of_pages_from_outside_docs_lead_within_the_site():
    assert "](about/architecture.md)" in led_inside("[x](../ARCHITECTURE.md)", "kept")
    assert led_inside("[x](docs/n4.md#a)", "about/changelog", ".") == "[x](../n4.md#a)"
    assert led_inside("[x](https://example.org/a)", "kept") == "[x](https://example.org/a)"
    assert "](docs/" not in "\n".join(about_pages(ROOT).values())
