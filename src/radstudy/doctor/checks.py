"""The checks of `radstudy doctor`: each looks at one thing, and says what to do where it is not as it should be."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from radstudy._version import __version__
from radstudy.compiled import not_cached
from radstudy.doctor.phantom import SPACING_MM, phantom, reference
from radstudy.features.extract import extract
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.parallel import cores
from radstudy.report.pdf import browsers
from radstudy.store import write_bytes
from radstudy.working import is_locked, only_run

Verdict = Literal["good", "warning", "problem"]
_GB = 1e9
_NEEDED_GB, _WANTED_GB = 2.0, 8.0  # memory: of one process with a breast volume, and of two with headroom
_FREE_GB = 2.0
_TOLERANCE = 1e-6  # relative to the larger of the value and 1e-3 of its typical size


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Parameters
    ----------
    name : of what was looked at.
    verdict : good; warning: it works, with a drawback; problem: something will fail.
    seen : what was found.
    remedy : what to do; "" if nothing.
    """

    name: str
    verdict: Verdict
    seen: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `radstudy doctor --json` prints it."""
        return {"name": self.name, "verdict": self.verdict, "seen": self.seen, "remedy": self.remedy}


def examined(folder: Path) -> Iterable[Check]:
    """Yield each check's result as it is there.

    Parameters
    ----------
    folder : in which studies are to lie; it exists.
    """
    for check in (_python, _libraries, _cores, _memory):
        yield check()
    for of_folder in (_disk, _writing, _locking):
        yield of_folder(folder)
    yield _browser()
    yield from _self_test()


def quickly_examined(folder: Path) -> tuple[Check, ...]:
    """The checks that change from hour to hour: memory and disk.

    Parameters
    ----------
    folder : in which the study lies.
    """
    return _memory(), _disk(folder)


def is_fit(checks: Iterable[Check]) -> bool:
    """True if no check has found a problem."""
    return all(check.verdict != "problem" for check in checks)


def _python() -> Check:
    python = f"Python {platform.python_version()} ({8 * _pointer_bytes()} bit)"
    seen = f"radstudy {__version__}, {python}, {platform.platform()}"
    if _pointer_bytes() < 8:
        return Check("program", "problem", seen, "install a 64-bit Python")
    return Check("program", "good", seen)


def _libraries() -> Check:
    problems, seen = [], []
    for requirement in metadata.requires("radstudy") or []:
        if "extra ==" in requirement:
            continue
        name, least = _requirement(requirement)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            if "platform_machine" not in requirement:
                problems.append(f"{name} is missing")
            continue
        seen.append(f"{name} {version}")
        if least and _numbers(version) < _numbers(least):
            problems.append(f"{name} is {version}, needed is {least}")
    if problems:
        return Check(
            "libraries", "problem", "; ".join(problems), "install radstudy anew: python -m pip install radstudy"
        )
    return Check("libraries", "good", ", ".join(seen))


def _cores() -> Check:
    return Check("processors", "good", f"{cores()} for radstudy, {os.cpu_count()} in all")


def _memory() -> Check:
    total, free = _memory_gb()
    if total is None:
        return Check("memory", "good", "the system does not say")
    seen = f"{total:.1f} GB" + ("" if free is None else f", {free:.1f} GB of it free")
    if (free if free is not None else total) < _NEEDED_GB:
        return Check("memory", "problem", seen, "close other programs; one breast volume needs about 2 GB")
    if total < _WANTED_GB:
        return Check("memory", "warning", seen, "run with --jobs 1")
    return Check("memory", "good", seen)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / _GB
    seen = f"{free:.1f} GB free in {folder.resolve()}"
    if free < _FREE_GB:
        return Check("disk", "problem", seen, "make room, or choose a folder on another disk")
    return Check("disk", "good", seen)


def _writing(folder: Path) -> Check:
    """Files are replaced whole, also while another program reads them."""
    name = f"files can be written and replaced in {folder.resolve()}"
    try:
        with tempfile.TemporaryDirectory(prefix=".radstudy-doctor-", dir=folder) as place:
            file = Path(place) / "file"
            write_bytes(file, b"1")
            with file.open("rb") as opened:
                opened.read(1)
            write_bytes(file, b"2")
            whole = file.read_bytes() == b"2"
    except Exception as error:
        return Check("writing", "problem", f"{name}: no ({error})", "choose a folder that you may write to")
    return Check("writing", "good" if whole else "problem", name if whole else f"{name}: what was written is not read",
                 "" if whole else "choose a folder on a disk of this computer")  # fmt: skip


def _locking(folder: Path) -> Check:
    """A second run into the same folder is refused by a lock of the system."""
    try:
        with tempfile.TemporaryDirectory(prefix=".radstudy-doctor-", dir=folder) as place:
            with only_run(Path(place)):
                held = is_locked(Path(place))
            released = not is_locked(Path(place))
    except Exception as error:
        return Check(
            "locks", "problem", f"no lock can be taken ({error})", "choose a folder on a disk of this computer"
        )
    if held and released:
        return Check("locks", "good", "two runs in one folder are kept apart")
    return Check("locks", "warning", "this disk keeps no locks", "never start two runs in one folder")


def _browser() -> Check:
    names = [str(browser) for browser in browsers()]
    if not names:
        return Check("browser", "warning", "no Edge, Chrome or Chromium was found: radstudy report --pdf needs one",
                     "install one, or print the report from another browser")  # fmt: skip
    return Check("browser", "good", names[0])


def _self_test() -> Iterable[Check]:
    """Extract a small lesion twice: compile, then compare with PyRadiomics' values."""
    voxels, lesion = phantom()
    affine = np.diag([*SPACING_MM, 1.0])
    volume, roi = Volume(voxels.astype(np.float32), affine), Roi(lesion, affine)
    try:
        began = time.monotonic()
        extract(volume, roi)
        first = time.monotonic() - began
        began = time.monotonic()
        values = extract(volume, roi)
        again = time.monotonic() - began
    except Exception as error:
        yield Check("extraction", "problem", f"a small lesion cannot be extracted: {type(error).__name__}: {error}",
                    "install radstudy anew; if it stays, report it as a bug")  # fmt: skip
        return
    expected = reference()
    apart = max(expected, key=lambda name: _apart(values.get(name, np.nan), expected[name]))
    largest = _apart(values.get(apart, np.nan), expected[apart])
    seen = f"{len(expected)} features compared with PyRadiomics 3.0.1: largest difference {largest:.1e} ({apart})"
    good = largest <= _TOLERANCE
    yield Check("features", "good" if good else "problem", seen,
                "" if good else "do not use this computer; report it as a bug, with this output")  # fmt: skip
    times = f"first {first:.1f} s, then {again:.2f} s"
    if not_cached():
        yield Check("kernels", "warning", f"compiled anew by every process: no cache can be written ({times})",
                    "let NUMBA_CACHE_DIR name a folder that you may write to")  # fmt: skip
    else:
        yield Check("kernels", "good", f"compiled once and kept ({times})")


def _apart(value: float, expected: float) -> float:
    """Relative difference; of values next to zero, the absolute one."""
    difference = abs(value - expected)
    return float("inf") if np.isnan(difference) else difference / max(abs(expected), 1e-3)


def _requirement(text: str) -> tuple[str, str]:
    """Name and least version of a requirement as the package's metadata has it."""
    name = re.match(r"[\w.-]+", text)
    least = re.search(r">=\s*([\w.]+)", text)
    return name.group() if name else text, least.group(1) if least else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def _memory_gb() -> tuple[float | None, float | None]:
    """Memory in all, and what is available; None where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text()
        known = {
            name: int(value) / 1e6 for name, value in re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB", text, re.M)
        }
        return known.get("MemTotal"), known.get("MemAvailable")
    except OSError:
        return (_memory_of_windows() if sys.platform == "win32" else _memory_of_posix()), None


def _memory_of_posix() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    except (ValueError, OSError, AttributeError):
        return None


def _memory_of_windows() -> float | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong)] + [
            (name, ctypes.c_ulonglong) for name in ("free", "page", "page_free", "own", "own_free", "more")
        ]

    status = Status(length=ctypes.sizeof(Status))
    loaded = vars(ctypes)["windll"].kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status.total / _GB if loaded else None


def _pointer_bytes() -> int:
    import struct

    return struct.calcsize("P")
