"""How right and how fast the program is: pages made of the oracles' files and of the benchmarks' own page."""

from __future__ import annotations

import ast
import csv
import gzip
import io
from collections import Counter
from pathlib import Path

from website.markdown import code, contents, table
from website.outside import led_inside

_INTRODUCTION = """# Numbers

How right the numbers are, against what, and how long they take.

| question | page |
|---|---|
| Do features equal PyRadiomics'? | [PyRadiomics](../pyradiomics.md) |
| Do they meet the standard? | [IBSI](../ibsi.md) |
| Does the bias field equal SimpleITK's? | [N4](../n4.md) |
| Do statistics equal R's? | [statistics](../statistics.md) |
| Do intervals cover, and is the chance calibration valid? | \
[statistics](../statistics.md#how-often-the-intervals-of-the-auc-cover), \
[chance](../chance.md#does-it-keep-its-promise) |
| Which reference values do the tests hold? | [oracles](oracles.md) |
| How fast is it? | [benchmarks](benchmarks.md) |
"""
_ORACLES = """# Oracles

An oracle is a value that was not computed by radstudy: by another program, or taken from a publication. Each stands
in `tests/oracle` with the script that made it, and a test fails if radstudy departs from it by more than its
tolerance. Hundreds of them are compared each time that the program changes.
"""


def number_pages(repository: Path) -> dict[str, str]:
    """The page that asks the questions, the oracles, and the benchmarks."""
    benchmarks = (repository / "benchmarks" / "README.md").read_text(encoding="utf-8")
    return {
        "numbers/index.md": _INTRODUCTION + "\n" + contents(["oracles", "benchmarks"], hidden=True) + "\n",
        "numbers/oracles.md": oracle_page(repository / "tests" / "oracle"),
        "numbers/benchmarks.md": led_inside(benchmarks, "numbers/benchmarks", "benchmarks"),
    }


def oracle_page(folder: Path) -> str:
    """Every file of reference values: what it holds, which script made it, which test reads it."""
    files = sorted(file for file in folder.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    kept = [file for file in files if not file.name.split(".")[0].endswith("_inputs")]
    rows = [[code(file.name), f"{len(_rows(file)):,}", code(_maker(file)), code(_test(file))] for file in kept]
    parts = [
        _ORACLES,
        table(["file", "values", "made by", "compared by"], rows),
        "## What the tests compare",
        table(["test", "says"], [[code(file.name), _first_line(file)] for file in sorted(folder.glob("test_*.py"))]),
        "## Statistics, by their source",
        "Values of `r_statistics.csv.gz` and `py_statistics.csv.gz` by the program and function that computed them.",
        table(["source", "values"], [[source, f"{count:,}"] for source, count in _sources(folder)]),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(file: Path) -> list[dict[str, str]]:
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8"))))


def _stem(file: Path) -> str:
    return file.name.split(".")[0]


def _maker(file: Path) -> str:
    stem = _stem(file)
    names = [f"{stem}_make.py", f"{stem}_make.R", f"{stem}.py"]
    return next((name for name in names if (file.parent / name).is_file()), "")


def _test(file: Path) -> str:
    tests = [test.name for test in sorted(file.parent.glob("test_*.py"))
             if file.name in test.read_text(encoding="utf-8")]  # fmt: skip
    return tests[0] if tests else ""


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def _sources(folder: Path) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for name in ("r_statistics.csv.gz", "py_statistics.csv.gz"):
        counts.update(row["source"] for row in _rows(folder / name))
    return sorted(counts.items())
