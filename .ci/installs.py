"""Install a wheel freshly on each Python of this computer, with the newest and the lowest dependencies, and measure it.

    python .ci/installs.py WHEEL [VERSION ...]

Prints one row of a table per install: seconds, megabytes on disk, and how `radstudy doctor` answered (272 features of
a small lesion against PyRadiomics' values). Interpreters are looked for as python3.11, ... and as pyenv's. Environments
lie in TMPDIR and are removed. The index is pip's; time depends on it, and on whether pip's cache has the wheels.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """The path of an interpreter of this version, or None."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [*root.glob(f"versions/{version}*/bin/python"), shutil.which(f"python{version}")]
    for path in filter(None, candidates):
        answer = subprocess.run([str(path), "--version"], check=False, capture_output=True, text=True)
        if answer.returncode == 0 and f"Python {version}." in answer.stdout:
            return str(path)
    return None


def newest(python: Path, wheel: Path) -> None:
    """Install the wheel with the newest dependencies, as a user does."""
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)], check=True
    )


def lowest(python: Path, wheel: Path) -> None:
    """Install the wheel with the lowest dependencies that pyproject.toml allows."""
    subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "lowest.py"), str(python.parents[1]), "", str(wheel)], check=True
    )


def megabytes(folder: Path) -> float:
    """What the files below a folder take, in millions of bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def doctor(python: Path) -> str:
    """The version that the installed program states, and how its doctor ended."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own["NUMBA_CACHE_DIR"] = str(python.parents[1] / "kernels")
    program = python.with_name("radstudy")
    version = subprocess.run(
        [str(program), "--version"], cwd=python.parent, env=own, check=True, capture_output=True, text=True
    )
    ended = subprocess.run(
        [str(program), "doctor"], cwd=python.parent, env=own, check=False, capture_output=True, text=True
    )
    features = re.search(r"[^\n]*features[^\n]*", ended.stdout + ended.stderr)
    said = features[0].strip() if features else "no line on features"
    return f"{version.stdout.split()[-1]}: exit code {ended.returncode}; {said}"


def main() -> None:
    """Install, measure, print."""
    wheel = Path(sys.argv[1]).resolve()
    print(
        "| Python | dependencies | seconds | MB on disk | packages | numpy | radstudy doctor |\n" + "|---" * 7 + "|",
        flush=True,
    )
    for version in sys.argv[2:] or VERSIONS:
        python = interpreter(version)
        if python is None:
            print(f"| {version} | not on this computer: NOT installed | | | | | |", flush=True)
            continue
        for kind in (newest, lowest):
            with tempfile.TemporaryDirectory(prefix="radstudy-install-") as folder:
                own = Path(folder) / "venv"
                subprocess.run([python, "-m", "venv", str(own)], check=True)
                inside = own / ("Scripts" if os.name == "nt" else "bin") / "python"
                start = time.monotonic()
                kind(inside, wheel)
                took, size = time.monotonic() - start, megabytes(own)
                count = len(list(own.rglob("*.dist-info")))
                numpy = next(own.rglob("numpy-*.dist-info")).name.split("-")[1].removesuffix(".dist")
                print(
                    f"| {version} | {kind.__name__} | {took:.0f} | {size:.0f} | {count} | {numpy} | {doctor(inside)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
