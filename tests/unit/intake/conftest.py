"""What the tests of the import share."""

from pathlib import Path
from types import ModuleType

import pytest

from radstudy.intake.run import ImportResult, Options, run_import
from radstudy.intake.sources import open_source
from unit.intake import synthetic as examinations


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module beside this file that writes synthetic examinations."""
    return examinations


@pytest.fixture
def imported(tmp_path):
    """Import a source into tmp_path/out: gives the outcome; what was said lies in `imported.said`."""

    def run(source: Path, **changes) -> ImportResult:
        run.said.clear()
        options = Options(**{"out": tmp_path / "out", "private": tmp_path / "out.private", **changes})
        return run_import(open_source(str(source)), options, say=run.said.append)

    run.said = []
    return run


@pytest.fixture
def roles():
    """Role to item of an outcome with one patient; a volume without a role under its status and series."""

    def of(outcome: ImportResult) -> dict:
        (plan,) = outcome.plans
        found = {}
        for item in plan.items:
            decision = item.decision
            number = decision.series.facts.series_number
            name = decision.role if decision.status == "role" else f"{decision.status} {number}"
            while name in found:
                name += "+"
            found[name] = item
        return found

    return of
