"""Build wheel and sdist of this checkout, and look whether the wheel is the whole program.

    python .ci/wheel.py FOLDER

The interpreter needs hatchling (`pip install -e ".[dev]"`). Every file of src/radstudy that git knows must be in the
wheel, and no other; the wheel is also built from the sdist, and must be the same. Then it is installed without its
dependencies into an empty environment that sees those of this interpreter, and asked for version and help there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = "src/radstudy/"
_OUTSIDE = ("LICENSE", "README.md", "pyproject.toml", "CHANGELOG.md", "tests/conftest.py", "docs/versions.md")


def build(checkout: Path, folder: Path, *kinds: str) -> dict[str, Path]:
    """Build what `kinds` says ("sdist", "wheel") and return the files by kind."""
    for kind in kinds:
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
                       cwd=checkout, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    endings = {"sdist": "*.tar.gz", "wheel": "*.whl"}
    return {kind: next(folder.glob(endings[kind])) for kind in kinds}


def of_package() -> set[str]:
    """Names of the package's files by git, from `radstudy/` on."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", _PACKAGE], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout  # fmt: skip
    return {name.removeprefix("src/") for name in listed.split("\0") if name and (ROOT / name).is_file()}


def in_wheel(wheel: Path) -> dict[str, bytes]:
    """Files of a wheel with their content, without its own records."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist() if ".dist-info/" not in name}


def unpacked(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist and return its checkout."""
    with tarfile.open(sdist) as opened:
        opened.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def differences(wheel: Path, sdist: Path, folder: Path) -> list[str]:
    """Sentences on what is missing from, or astray in, a wheel and an sdist."""
    expected, present = of_package(), in_wheel(wheel)
    checkout = unpacked(sdist, folder)
    from_sdist = in_wheel(build(checkout, folder / "again", "wheel")["wheel"])
    said = [f"the wheel lacks {name}" for name in sorted(expected - present.keys())]
    said += [f"the wheel has {name}, which git does not know" for name in sorted(present.keys() - expected)]
    said += [f"the sdist lacks {name}" for name in _OUTSIDE if not (checkout / name).is_file()]
    if from_sdist != present:
        said.append("a wheel that is built from the sdist has other files or other content")
    return said


def environment(folder: Path, wheel: Path) -> Path:
    """Create an environment of the wheel with this interpreter's packages behind it; return its programs' folder."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    own = subprocess.run([str(programs / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                         check=True, capture_output=True, text=True).stdout.strip()  # fmt: skip
    # Only now, so that pip sees no editable radstudy. Python reads no .pth of a folder that a .pth names.
    behind = [path for path in sys.path if Path(path).name == "site-packages"]
    (Path(own) / "dependencies.pth").write_text("\n".join(behind) + "\n", encoding="utf-8")
    return programs


def answers(programs: Path, elsewhere: Path) -> str:
    """The version that the installed program states, after its help and all of its package data were read."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def ask(*command: str) -> str:
        return subprocess.run(command, cwd=elsewhere, env=own, check=True, stdout=subprocess.PIPE, text=True).stdout

    home = ask(str(programs / "python"), "-c", "import radstudy; print(radstudy.__file__)").strip()
    if not Path(home).is_relative_to(programs.parent):
        raise SystemExit(f"the environment imports {home}, not the wheel")
    if "Usage" not in ask(str(programs / "radstudy"), "--help"):
        raise SystemExit("radstudy --help says nothing of its usage")
    ask(str(programs / "radstudy"), "init", "study")  # templates and presets from the package's data
    return ask(str(programs / "radstudy"), "--version").split()[-1]


def main() -> None:
    """Build, compare, install, ask."""
    folder = Path(sys.argv[1]).resolve()
    built = build(ROOT, folder, "sdist", "wheel")
    with tempfile.TemporaryDirectory() as work:
        said = differences(built["wheel"], built["sdist"], Path(work))
        if said:
            raise SystemExit("\n".join(said))
        version = answers(environment(Path(work) / "venv", built["wheel"]), Path(work))
    if f"-{version}-" not in built["wheel"].name:
        raise SystemExit(f"the wheel is {built['wheel'].name}, and the program says {version}")
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in built.values())
    print(f"built and installed: {sizes}; {len(of_package())} files of the package")


if __name__ == "__main__":
    main()
