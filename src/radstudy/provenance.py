"""A step's folder and its ``provenance.json`` (key, versions and machine of the results).

A step is finished when its folder has a ``provenance.json``: it is written last, and holds the key of everything that
the step's result depends on. A step whose key has not changed is not run again.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from radstudy._version import __version__
from radstudy.store import PART, content_hash, file_hash, read_json, set_aside, storing, write_json
from radstudy.timing import peak_mib

PROVENANCE = "provenance.json"
_OPENED = (
    ".csv",
    ".xlsx",
    ".docx",
    ".html",
    ".svg",
    ".png",
    ".pdf",
    ".tiff",
    ".md",
)  # files of a run that people open and may change
PARTS = {  # folders within a step's folder that are separate steps; evaluate/null is the former name of evaluate/chance
    "extract": ("maps", "shuffled"),
    "evaluate": ("chance", "null", "resampling", "baselines", "other_reader", "leaks", "harmonisation", "signature"),
}
BESIDE = {
    "signature": ("../../signature.json", "../../model_card.md"),
    "report": ("../report.html", "../study_bundle.zip"),
}  # files that a step writes into the run's folder, from its own; signature.json is first written by the step model
_OF_OTHERS = ("opened.json", "Thumbs.db", ".DS_Store", "desktop.ini")  # kept per file, or left by a file manager
_LIBRARIES = ("numpy", "scipy", "numba", "SimpleITK", "scikit-learn", "pandas", "pydantic")


# --- what the numbers depend on -------------------------------------------------------------------------------------


@cache
def source_key() -> str:
    """The program's version; of a development version also a hash of its source, so that edits are never missed."""
    if ".dev" not in __version__:
        return __version__
    digest = hashlib.blake2b(digest_size=8)
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return f"{__version__}+{digest.hexdigest()}"


def versions() -> dict[str, str]:
    """The versions of radstudy, Python, the platform and the libraries that make the numbers."""
    known = {"radstudy": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for library in _LIBRARIES:
        known[library] = metadata.version(library)
    return known


def machine() -> dict[str, str]:
    """The processor, numba's target for the kernels, and a hash of the processor features that it uses.

    N4 and the features have the same bits on all machines; if a library's last digit differs, this shows between which.
    """
    import llvmlite.binding as llvm

    target = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if target == "generic" else llvm.get_host_cpu_features().flatten()
    return {"processor": _processor(), "kernel_target": target, "kernel_features": content_hash(features)}


def _processor() -> str:
    """The processor's name in the operating system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


# --- the folder of a step ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepFolder:
    """The folder of one step of a run."""

    path: Path

    def is_finished(self, key: str) -> bool:
        """True if the step has run to its end with exactly this key."""
        return self.finished_key() == key

    def finished_key(self) -> str | None:
        """The key under which the step has finished, or None."""
        try:
            record = read_json(self.path / PROVENANCE)
        except (OSError, ValueError):  # not there, or damaged: not UTF-8, not JSON
            return None
        key = record.get("key") if isinstance(record, dict) else None
        return key if isinstance(key, str) else None

    def begin(self) -> list[Path]:
        """Create the folder and remove its mark of completion; set aside files that were changed by hand.

        Returns
        -------
        Files that were changed since the step wrote them, under their new names.
        """
        with storing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            changed = [file for file in self.changed() if file.suffix in _OPENED and file.is_file()]
            kept_files = [set_aside(file) for file in changed]
            (self.path / PROVENANCE).unlink(missing_ok=True)
        return kept_files

    def changed(self) -> list[Path]:
        """Files that the finished step wrote and that are now gone, damaged or changed.

        Files that were not recorded are left out: earlier versions recorded only files that people open.
        """
        return [
            self.path / name for name, content in self.recorded().items()
            if self._is_own(self.path / name) and _hash_or_none(self.path / name) != content
        ]  # fmt: skip

    def recorded(self) -> dict[str, str]:
        """Name and hash of each file that the finished step wrote; empty if none are recorded."""
        try:
            return dict(read_json(self.path / PROVENANCE)["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def remove(self, files: Mapping[str, str]) -> None:
        """Remove files of this step that are still as it wrote them; files changed since then stay.

        Parameters
        ----------
        files : name in the folder to hash, as `recorded` returns them.
        """
        with storing(self.path):
            for name, content in files.items():
                if _hash_or_none(self.path / name) == content:
                    (self.path / name).unlink()

    def retire(self) -> None:
        """Remove what a finished step of an earlier version has written, under a name that is no longer used.

        Files that were changed since stay, and so does a folder that is not finished.
        """
        if self.finished_key() is None:
            return
        with storing(self.path):
            self.remove(self.recorded())
            (self.path / PROVENANCE).unlink(missing_ok=True)
            for folder in sorted(filter(Path.is_dir, self.path.rglob("*")), reverse=True):
                _remove_if_empty(folder)
            _remove_if_empty(self.path)

    def _written(self) -> dict[str, str]:
        """Hashes of the files that the step wrote, without the parts that are separate steps."""
        files = sorted(file for file in self.path.rglob("*") if file.is_file() and self._is_own(file))
        own = {file.relative_to(self.path).as_posix(): file_hash(file) for file in files}
        beside = {name: self.path / name for name in BESIDE.get(self.path.name, ())}
        return own | {name: file_hash(file) for name, file in beside.items() if file.is_file()}

    def _is_own(self, file: Path) -> bool:
        """True if a file in this folder, or next to it, is written by this step and by nothing else."""
        inside = file.relative_to(self.path).parts
        if inside[0] == "..":
            return "/".join(inside) in BESIDE.get(self.path.name, ())
        return not (
            inside[0] in PARTS.get(self.path.name, ())
            or inside[-1] in (PROVENANCE, *_OF_OTHERS)
            or ".kept-" in inside[-1]
            or any(part.startswith((PART, "~$", ".~lock")) for part in inside)
        )

    def finish(
        self, key: str, *, settings: object, inputs: Mapping[str, str], seconds: float,
        algorithms: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Mark the step as finished.

        Parameters
        ----------
        key : hash of everything that the result depends on.
        settings : the step's own section of the protocol.
        inputs : name to content hash, or to the key of the step that made it.
        seconds : duration of the step.
        algorithms : versions of the algorithms that computed the result; None records none.
        """
        write_json(
            self.path / PROVENANCE,
            {
                "key": key,
                "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 2),
                "peak_mib": peak_mib(),  # of the program, so far; not of its processes
                "code": source_key(),
                "versions": versions(),
                "machine": machine(),
                "algorithms": dict(algorithms or {}),
                "settings": settings,
                "inputs": dict(inputs),
                "files": self._written(),
            },
        )


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _hash_or_none(file: Path) -> str | None:
    try:
        return file_hash(file)
    except OSError:
        return None
