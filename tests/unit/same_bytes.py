"""Two run folders compared byte by byte, made with a clock that stands still."""

import datetime
import zipfile
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from radstudy import journal, provenance
from radstudy.steps import history
from radstudy.steps import run as steps_run


@contextmanager
def stopped_clock():
    """One time for all that is recorded, and no duration: what remains may differ by the outcomes alone."""
    then = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda _: then), UTC=datetime.UTC)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(provenance, "datetime", clock)
        patched.setattr(history, "datetime", clock)
        patched.setattr(journal, "datetime", clock)
        for module in (provenance, steps_run):
            patched.setattr(module, "peak_mib", lambda: 100.0)
        patched.setattr(steps_run, "time", SimpleNamespace(monotonic=lambda: 0.0))
        yield


def contents(folder):
    """Every file of the run with its bytes; of Word and XLSX files, their members without the time of writing."""
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {name: _members(file) if file.suffix in (".docx", ".xlsx", ".zip") else file.read_bytes().replace(
        str(folder.parent).encode(), b"FOLDER") for name, file in files.items()}  # fmt: skip


def _members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def differing_files(one, other):
    """The names of the files that differ between two run folders, which must have the same ones."""
    a, b = contents(one), contents(other)
    assert a.keys() == b.keys()
    return [name for name in a if a[name] != b[name]]
