"""Run only the wanted tests, and write down what became of each (see check.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_results: dict[str, str] = {}
_alone: list[bool] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the wanted tests, with all their parameters."""
    wanted = set(json.loads(Path(os.environ["MENDED_WANTED"]).read_text(encoding="utf-8")))
    kept = [item for item in items if item.nodeid in wanted or item.nodeid.partition("[")[0] in wanted]
    items[:] = kept


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember modules that cannot be imported."""
    if report.failed:
        _results[report.nodeid] = "error"


def pytest_configure(config: pytest.Config) -> None:
    """Know whether one test runs at a time."""
    _alone.append(not config.getoption("numprocesses"))


def pytest_runtest_logstart(nodeid: str) -> None:
    """A test that ends the process has failed."""
    if all(_alone):
        _results[nodeid] = "failed"
        _write()
        del _results[nodeid]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the worst of setup, call and teardown."""
    if report.failed:
        _results[report.nodeid] = "failed"
    elif report.skipped:
        _results[report.nodeid] = "skipped"
    elif report.when == "call":
        _results.setdefault(report.nodeid, "passed")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results."""
    _write()


def _write() -> None:
    """In the process that has them all: as they come, since the process may end."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ["MENDED_RESULTS"]).write_text(json.dumps(_results), encoding="utf-8")
