"""Do the tests of mended faults fail on the code before, and pass on the code of today?

    python tests/mended/check.py [--before COMMIT] [--table FILE]

Each row of tests/mended/COMMIT/*.csv is a fault of the source of that commit: its number in the list of faults (issue
13 for c56fe91, 14 for b84a517), what the program did (`was`), what it does (`is`), and the test that holds it. Today's
tests are run against the source of the commit before and against today's; a row counts if at least one of its tests
fails before, and all pass today. `not importable` says that the test's module needs a name that the old source does
not have, so that its values were not compared there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
COLUMNS = ("number", "was", "is", "test", "before", "today")


def rows_of(folder: Path) -> list[dict[str, str]]:
    """All rows of a commit's tables, by number."""
    rows = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            rows += [dict(row) for row in csv.DictReader(opened)]
    return sorted(rows, key=lambda row: row["number"])


def results(root: Path, tests: Sequence[str]) -> dict[str, str]:
    """What became of each test (parametrised ones apart) in the checkout `root`: passed, failed, skipped, error.

    A test of a crash may end the old source's processes, and with them other tests: those are run again, by file.
    """
    found = _run(root, tests)
    while lost := [test for test in tests if verdict(test, found) == "not there"]:
        before = len(found)
        for file in sorted({test.partition("::")[0] for test in lost}):
            found |= _run(root, [test for test in lost if test.startswith(f"{file}::")], "--numprocesses=0")
        if len(found) == before:
            break
    return found


def _run(root: Path, tests: Sequence[str], *more: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        wanted, into = Path(folder) / "wanted.json", Path(folder) / "results.json"
        wanted.write_text(json.dumps(list(tests)), encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root / "src"), str(HERE)]),
            "MENDED_WANTED": str(wanted),
            "MENDED_RESULTS": str(into),
        }
        files = sorted({test.partition("::")[0] for test in tests})
        present = [file for file in files if (root / file).is_file()]
        if not present:
            return {}
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "plugin", "--continue-on-collection-errors", "-W", "default",
             "--durations=0", "--no-header", "--tb=no", *more, *present],
            cwd=root, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return dict(json.loads(into.read_text(encoding="utf-8"))) if into.is_file() else {}


def verdict(test: str, found: Mapping[str, str]) -> str:
    """One word for a row's test, over its parameters."""
    own = [result for name, result in found.items() if name == test or name.startswith(f"{test}[")]
    if not own:
        file = test.partition("::")[0]
        return "not importable" if found.get(file) == "error" else "not there"
    counts = Counter(own)
    return next(iter(counts)) if len(counts) == 1 else ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))


def before(commit: str, folder: Path) -> Path:
    """A checkout of the commit with today's tests and test settings."""
    root = folder / "before"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(root), commit], cwd=REPOSITORY, check=True)
    for name in ("tests", "benchmarks"):
        shutil.rmtree(root / name)
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "pyproject.toml", root / "pyproject.toml")
    return root


def results_before(commit: str, tests: Sequence[str]) -> dict[str, str]:
    """What became of today's tests on the source of the commit."""
    with tempfile.TemporaryDirectory() as folder:
        root = before(commit, Path(folder))
        try:
            return results(root, tests)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(root)], cwd=REPOSITORY, check=True)


def main() -> int:
    """Run both, print the table, and say which rows hold nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commits = sorted(folder.name for folder in HERE.iterdir() if any(folder.glob("*.csv")))
    parser.add_argument("--before", choices=commits, help="the faults of one commit alone")
    parser.add_argument("--table", type=Path, help="write the table here, as CSV")
    asked = parser.parse_args()
    # the real data lie beside the checkout of today
    os.environ.setdefault("RADSTUDY_REAL_DATA", str(REPOSITORY.parent / "shared" / "data"))
    every = {commit: rows_of(HERE / commit) for commit in commits if asked.before in (None, commit)}
    rows = [row for found in every.values() for row in found]
    now = results(REPOSITORY, sorted({row["test"] for row in rows}))
    wrong = 0
    for commit, found in every.items():
        print(f"Faults of {commit}")
        then = results_before(commit, sorted({row["test"] for row in found}))
        for row in found:
            row["before"], row["today"] = verdict(row["test"], then), verdict(row["test"], now)
            holds = row["today"] == "passed" and ("failed" in row["before"] or row["before"] == "not importable")
            wrong += not holds
            print(f"{'  ' if holds else '! '}{row['number']:14} {row['before']:16} {row['today']:10} {row['test']}")
    if asked.table is not None:
        with asked.table.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    print(f"{len(rows)} rows, {wrong} rows that hold nothing")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
